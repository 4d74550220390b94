// Make this process look as if the application had been deployed natively; as in bootstrap/startup/environment.py.
//
// Some things a process looks for only at its start: libraries, preloaded ones, Node's `--import`, a wrapper. If a
// release has them, this process executes Node again. No code of ours runs in the new one, as in a native deployment.

import fs from "node:fs";
import path from "node:path";
import { isMainThread } from "node:worker_threads";
import { describe, fault } from "./failures.mjs";

export const VARIABLE = "DROPSHIFT_POINTER";
const ENTRY = "bootstrap.handler";
const [OPTIONS_LATER, WRAPPER_LATER] = ["DROPSHIFT_NODE_OPTIONS", "DROPSHIFT_EXEC_WRAPPER"];
/** Hold NODE_OPTIONS and AWS_LAMBDA_EXEC_WRAPPER until the release is loaded, because they may name files of it. */
const OURS = [VARIABLE, "DROPSHIFT_RELEASES", "DROPSHIFT_HAND_OVER", OPTIONS_LATER, WRAPPER_LATER];
const BEFORE_PATH = String.raw`(?:(?<![\w.~/-])|(?<=:\/{2})|(?<=:\/{3})|(?<=^-\w)|(?<=\s-\w))`;

/** Return a text in which every path at or below `old` is at or below `root`. */
export function moved(text, old, root) {
  if (!old || !text.includes(old)) return text;
  const literal = old.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return text.replace(new RegExp(String.raw`${BEFORE_PATH}${literal}(?![\w.~-])`, "g"), () => root);
}

/** Return the environment that a native deployment of `handler` at `root` would have. */
function native(given, root, handler) {
  const old = given.LAMBDA_TASK_ROOT ?? "";
  const kept = Object.entries(given).filter(([name]) => !OURS.includes(name));
  const changed = kept.map(([name, value]) => [name, value === ENTRY ? handler : moved(value, old, root)]);
  return { ...Object.fromEntries(changed), LAMBDA_TASK_ROOT: root };
}

/** Take the application's identity: environment and working directory as a native deployment has them. */
export function adopt(root, handler) {
  const wanted = native(process.env, root, handler);
  for (const name of Object.keys(process.env)) if (!(name in wanted)) delete process.env[name];
  Object.assign(process.env, wanted);
  try {
    process.chdir(root);
  } catch {
    process.cwd = () => root; // worker threads, which managed instances use, cannot change the directory itself
  }
}

/** Execute Node again if the release has files that a process looks for only at its start. */
export function startAgainIfNeeded(pointer, root) {
  const given = atStart();
  const old = given.LAMBDA_TASK_ROOT ?? "";
  const options = given[OPTIONS_LATER];
  const wrapper = given[WRAPPER_LATER];
  if (!options && !wrapper && !lacks(given, old, root)) return;
  if (!isMainThread) throw fault("Dropshift.Late", `${describe(pointer)}: ${IN_THREAD}`);
  const environment = native(given, root, pointer.handler);
  if (options) environment.NODE_OPTIONS = [given.NODE_OPTIONS, moved(options, old, root)].filter(Boolean).join(" ");
  if (wrapper) environment.AWS_LAMBDA_EXEC_WRAPPER = path.resolve(root, moved(wrapper, old, root));
  const node = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const command = wrapper ? [environment.AWS_LAMBDA_EXEC_WRAPPER, ...node] : node;
  process.chdir(root);
  process.execve(command[0], command, environment);
}

const IN_THREAD =
  "in a managed instance Node cannot start again for libraries in the library path, or for what NODE_OPTIONS or " +
  "AWS_LAMBDA_EXEC_WRAPPER names in the release; put them into a layer";

/** Return the variables that this process was started with; the runtime's client removes some from `process.env`. */
function atStart() {
  const pairs = fs.readFileSync("/proc/self/environ", "utf8").split("\0").filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

/** Return whether the dynamic loader, which reads its variables once, would find libraries in the tree. */
function lacks(given, old, root) {
  const preloaded = given.LD_PRELOAD ?? "";
  const searched = (given.LD_LIBRARY_PATH ?? "").split(":").filter((place) => moved(place, old, root) !== place);
  return moved(preloaded, old, root) !== preloaded || searched.some((place) => hasLibraries(moved(place, old, root)));
}

/** Return whether a folder holds libraries; those for newer processors are below glibc-hwcaps (ld.so(8)). */
function hasLibraries(folder) {
  const isFolder = fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory();
  return isFolder && fs.readdirSync(folder).some((name) => name.includes(".so") || name === "glibc-hwcaps");
}
