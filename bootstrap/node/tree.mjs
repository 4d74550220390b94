// The place of a release on disk, the marker of its completeness, and the space it needs; as in bootstrap/tree.py.

import fs from "node:fs";
import path from "node:path";
import { sha256 } from "./endpoint.mjs";
import { describe, fault } from "./failures.mjs";

const SLACK = 16 << 20;

export function treeOf(pointer) {
  const base = `${temporary()}/dropshift`;
  const directory = `${base}/${pointer.sha256.slice(0, 32)}`;
  const named = (ending) => `${directory}.${ending}`;
  return { base, directory, marker: named("complete"), journal: named("journal"), index: named("index") };
}

/** Return /tmp or TMPDIR; on Lambda one outside /tmp is not used: functions may share what is mounted there. */
function temporary() {
  const wanted = process.env.TMPDIR || "/tmp";
  const inside = () => fs.existsSync(wanted) && `${fs.realpathSync(wanted)}/`.startsWith("/tmp/");
  return process.env.LAMBDA_TASK_ROOT === "/var/task" && !inside() ? "/tmp" : wanted;
}

/** Remove other releases' trees, and an incomplete tree that has no journal. */
export function clear(tree) {
  const ours = path.basename(tree.directory);
  for (const name of fs.readdirSync(tree.base)) {
    if (!name.startsWith(ours)) fs.rmSync(`${tree.base}/${name}`, { recursive: true, force: true });
  }
  if (!fs.existsSync(tree.journal)) remove(tree);
}

function remove(tree) {
  for (const name of [tree.marker, tree.journal, tree.index, tree.directory]) {
    fs.rmSync(name, { recursive: true, force: true });
  }
}

/** Make directories and links; those that a killed load made may stay. */
export function prepare(tree, index) {
  const unlessThere = (make) => {
    try {
      make();
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
  };
  for (const name of ["", ...index.directories]) unlessThere(() => fs.mkdirSync(`${tree.directory}/${name}`, 0o755));
  for (const [name, target] of index.links) unlessThere(() => fs.symlinkSync(target, `${tree.directory}/${name}`));
}

/** Write the marker: from now on the tree is complete, as it is at this moment. */
export function complete(tree, pointer) {
  fs.writeFileSync(tree.marker, pointer.sha256);
  awaitTick(tree.marker);
  fs.rmSync(tree.journal, { force: true });
}

/** Let the marker be younger than every change before it, and no younger than any after it; as in loader/directories.py. */
function awaitTick(marker) {
  const changed = () => fs.statSync(marker, { bigint: true }).ctimeNs;
  const written = changed();
  while (changed() === written) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.5); // sleeps for half a millisecond
    fs.chmodSync(marker, 0o644);
  }
}

/** Return whether the tree is complete and unchanged since it was verified; remove a changed one.
 *
 * The kernel sets the ctime of every changed file and folder, and an application cannot set it back; inode(7).
 */
export function isWhole(tree, pointer, parse) {
  const marker = fs.statSync(tree.marker, { bigint: true, throwIfNoEntry: false });
  if (!marker) return false;
  if (fs.readFileSync(tree.marker, "latin1") === pointer.sha256 && isAsVerified(tree, pointer, marker.ctimeNs, parse)) return true;
  remove(tree);
  return false;
}

function isAsVerified(tree, pointer, since, parse) {
  if (!fs.existsSync(tree.index)) return false;
  const content = fs.readFileSync(tree.index);
  if (sha256(content) !== pointer.sha256) return false;
  const index = parse(content);
  const untouched = (name, is) => {
    const seen = fs.lstatSync(`${tree.directory}/${name}`, { bigint: true, throwIfNoEntry: false });
    return seen !== undefined && seen.ctimeNs < since && is(seen);
  };
  const [names = [], , sizes = []] = index.files;
  return (
    ["", ...index.directories].every((name) => untouched(name, (seen) => seen.isDirectory())) &&
    index.links.every(([name]) => untouched(name, (seen) => seen.isSymbolicLink())) &&
    names.every((name, number) => untouched(name, (seen) => seen.isFile() && seen.size === BigInt(sizes[number])))
  );
}

/** Refuse a release that cannot fit, before the first byte is asked for. */
export function checkSpace(tree, pointer) {
  const disk = fs.statfsSync(tree.base);
  if (fs.existsSync(tree.journal) || disk.bavail * disk.bsize >= pointer.unpacked + SLACK) return;
  throw full(tree, pointer);
}

/** Return the refusal for an error of the disk, in one line; any other error stays as it is. */
export function refused(error, tree, pointer) {
  if (["ENOSPC", "EDQUOT"].includes(error.code)) return full(tree, pointer);
  return error.syscall ? fault("Dropshift.Disk", `${describe(pointer)}: ${error.message}`) : error;
}

function full(tree, pointer) {
  // The folder above is there even when our own could not be made.
  const disk = fs.statfsSync(path.dirname(tree.base));
  const [free, needed] = [disk.bavail * disk.bsize, pointer.unpacked + SLACK].map((bytes) => Math.ceil(bytes / 2 ** 20));
  const remedy = `raise the function's ephemeral storage to at least ${needed + 64} MB, or write less to /tmp`;
  return fault("Dropshift.NoSpace", `${describe(pointer)}: needs ${needed} MB, ${tree.base} has ${free} MB free; ${remedy}`);
}
