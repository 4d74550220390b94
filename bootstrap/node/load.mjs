// One load: the index first, then all parts over a few connections, then the marker. Everything is awaited.
//
// There is no hand-over before the init limit here. When init is cut at 10 s, the next one continues, because the
// journal lists the parts that are in place.

import fs from "node:fs";
import { availableParallelism } from "node:os";
import { isMainThread, Worker } from "node:worker_threads";
import { credentialsOf, endpointOf, sha256 } from "./endpoint.mjs";
import { fault } from "./failures.mjs";
import { range } from "./fetch.mjs";
import { canDecompress, parse, place, plan } from "./place.mjs";
import * as report from "./report.mjs";
import { checkSpace, clear, complete, isWhole, prepare, refused, treeOf } from "./tree.mjs";
import { take } from "./turn.mjs";

const CONNECTIONS = 4;
const AHEAD = 2 * CONNECTIONS; // parts that are fetched or placed: while one is placed, its connection fetches another
const ONE_PROCESSOR = 1769; // MB of memory that come with one vCPU (AWS Lambda developer guide, "Configure memory")
const LITTLE = 4 << 20; // bytes up to which a thread is not worth its start

/** Load the pointer's release to disk and return its tree. */
export async function load(pointer) {
  if (!canDecompress) {
    throw fault("Dropshift.Runtime", `Node ${process.version} has no zstd; use nodejs22.x or later (Node 22.15 or later)`);
  }
  const tree = treeOf(pointer);
  const endTurn = await take(sha256(tree.directory));
  if (!endTurn) return tree;
  let done = false;
  try {
    if (!isWhole(tree, pointer, parse)) await fill(pointer, tree);
    done = true;
  } catch (error) {
    const refusal = refused(error, tree, pointer);
    report.failed(pointer, refusal);
    throw refusal;
  } finally {
    endTurn(done);
  }
  return tree;
}

async function fill(pointer, tree) {
  const began = performance.now();
  const credentials = await credentialsOf(pointer);
  const state = { pointer, credentials, endpoint: endpointOf(pointer, CONNECTIONS), bytes: 0, retries: 0 };
  const placer = startPlacer(pointer);
  const mask = isMainThread && process.umask(0); // modes are the release's
  try {
    fs.mkdirSync(tree.base, { recursive: true, mode: 0o755 });
    clear(tree);
    checkSpace(tree, pointer);
    const content = await range(state, pointer.offset, pointer.size, (data) => sha256(data) === pointer.sha256);
    const parts = await placeAll(state, tree, content, placer);
    complete(tree, pointer);
    report.loaded(pointer, { ...state, parts }, performance.now() - began);
  } finally {
    if (isMainThread) process.umask(mask);
    state.endpoint.agent.destroy();
    await placer.end();
  }
}

/** Fetch and place every part that is not in place yet; return how many there are. */
async function placeAll(state, tree, content, placer) {
  const index = parse(content);
  const parts = plan(index);
  placer.begin(content, index, parts, tree.directory);
  fs.mkdirSync(tree.directory, { recursive: true });
  const journal = fs.openSync(tree.journal, "a+");
  const missing = missingParts(tree, parts.length);
  const work = async () => {
    try {
      for (let number = missing.shift(); number !== undefined; number = missing.shift()) {
        await range(state, parts[number].offset, parts[number].size, (data) => placer.place(number, data));
        fs.writeSync(journal, new Uint8Array(Uint32Array.of(number).buffer));
        state.bytes += parts[number].size;
      }
    } catch (error) {
      state.failure ??= error;
      missing.length = 0;
    }
  };
  const all = Promise.all(Array.from({ length: AHEAD }, work));
  prepare(tree, index); // while the first parts are on their way
  fs.writeFileSync(tree.index, content);
  await all;
  fs.closeSync(journal);
  if (state.failure) throw state.failure;
  return parts.length;
}

function missingParts(tree, count) {
  const content = new Uint8Array(fs.readFileSync(tree.journal));
  const known = new Set(new Uint32Array(content.buffer, 0, content.length >> 2));
  return Array.from({ length: count }, (_, number) => number).filter((number) => !known.has(number));
}

/** Return the placer of parts: a separate thread if there is a processor for it and enough to do. */
function startPlacer(pointer) {
  const memory = Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 0);
  const alone = (memory && memory <= ONE_PROCESSOR) || availableParallelism() === 1 || pointer.offset <= LITTLE;
  return alone ? placerHere() : placerInThread();
}

function placerHere() {
  let given;
  return {
    begin: (_content, index, parts, root) => (given = { index, parts, root }),
    place: async (number, data) => place(given.parts[number], data, given.index, given.root),
    end: async () => {},
  };
}

function placerInThread() {
  // Not the function's Node options or variables: they may name modules that Node loads into every thread.
  const worker = new Worker(new URL("./worker.mjs", import.meta.url), { execArgv: [], env: {} });
  const waiting = new Map();
  const settle = (number, how) => {
    how(waiting.get(number));
    waiting.delete(number);
  };
  worker.on("message", ({ number, placed, error }) =>
    settle(number, ({ resolve, reject }) => (error ? reject(Object.assign(new Error(error.message), error)) : resolve(placed))),
  );
  worker.on("error", (error) => waiting.forEach((_, number) => settle(number, ({ reject }) => reject(error))));
  return {
    begin: (content, _index, _parts, root) => worker.postMessage({ content, root }),
    place: (number, data) => {
      const { promise, resolve, reject } = Promise.withResolvers();
      waiting.set(number, { resolve, reject });
      worker.postMessage({ number, data }, [data.buffer]);
      return promise;
    },
    end: () => worker.terminate(),
  };
}
