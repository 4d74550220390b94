// Parts of a bundle: their ranges, and the files that a verified one is written to.

import { createHash } from "node:crypto";
import fs from "node:fs";
import { isMarkedAsUntransferable } from "node:worker_threads";
import * as zlib from "node:zlib";

const [FIRST, USUAL, LAST, OPENING, CLOSING] = [1 << 19, 2 << 20, 1 << 20, 4, 8 << 20];
const [LARGER, ROOM] = [[[96 << 20, 8 << 20], [16 << 20, 4 << 20]], 1024];
const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_TRUNC } = fs.constants;

export const canDecompress = Boolean(zlib.zstdDecompressSync);

/** Return the index; its digest has been checked. */
export const parse = (content) => JSON.parse(zlib.zstdDecompressSync(content));

/** Return the ranges to fetch, as in bootstrap/loader/parts.py. */
export function plan(index) {
  const parts = [];
  const larger = Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE || ROOM) < ROOM ? [] : LARGER;
  let remaining = index.frames.reduce((sum, [compressed]) => sum + compressed, 0);
  let part = { offset: 0, size: 0, frames: [] };
  for (const frame of index.frames) {
    const grown = larger.find(([start]) => part.offset >= start)?.[1] ?? USUAL;
    const limit = parts.length < OPENING ? FIRST : remaining < CLOSING ? LAST : grown;
    if (part.frames.length && part.size + frame[0] > limit) {
      parts.push(part);
      remaining -= part.size;
      part = { offset: part.offset + part.size, size: 0, frames: [] };
    }
    part.frames.push(frame);
    part.size += frame[0];
  }
  return [...parts, part];
}

/** Write a part's files below `root` if each of its frames has the digest that the index pins; return whether. */
export function place(part, data, index, root) {
  let start = 0;
  const frames = part.frames.map((frame) => [frame, data.subarray(start, (start += frame[0]))]);
  const isWhole = ([[, , digest], bytes]) => createHash("sha256").update(bytes).digest("hex") === digest;
  if (!frames.every(isWhole)) return false;
  for (const [[, size, , slices], bytes] of frames) {
    // One chunk of this size, so that zlib does not allocate dozens of small ones and join them.
    const raw = zlib.zstdDecompressSync(bytes, { chunkSize: size + 64 });
    put(raw, slices, index.files, root);
    free(raw);
  }
  free(data);
  return true;
}

/** Free a buffer at once, unless it is part of Node's pool; left to the collector, it would cost a full collection. */
const free = ({ buffer }) => isMarkedAsUntransferable(buffer) || buffer.transfer(0);

function put(raw, [offsets = [], lengths, positions, held], [names, modes, sizes], root) {
  for (const [at, offset] of offsets.entries()) {
    const [length, position] = [lengths[at], positions[at]];
    for (const file of held[at]) {
      const whole = length === sizes[file] ? O_TRUNC : 0;
      const target = fs.openSync(`${root}/${names[file]}`, O_WRONLY | O_CREAT | O_NOFOLLOW | whole, modes[file]);
      for (let done = 0; done < length; ) {
        done += fs.writeSync(target, raw, offset + done, length - done, position + done);
      }
      fs.closeSync(target);
    }
  }
}
