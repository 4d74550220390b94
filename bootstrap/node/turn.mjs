// One of several threads or processes that start together loads; the others wait:
//
//     A: listens on the tree's name, loads          B, C: cannot listen; connect, and wait for A's answer
//     A: answers that the tree is complete          B, C: use it
//     A: is killed, or fails                        B, C: lose the connection; B listens, C waits for B's answer
//
// The name is an abstract socket address (unix(7)), not a file. The kernel lets one process listen on it, and frees it
// when that process ends in any way. There is no lock file that a full disk or a reused process id could spoil.

import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";

const READY = "ready";
const AGAIN_MS = 20;

/** Wait until no other one loads; return the function that ends the turn, or undefined if the tree is complete. */
export async function take(name) {
  for (;;) {
    const waiting = new Set();
    const server = net.createServer((socket) => waiting.add(socket.on("error", () => waiting.delete(socket))));
    try {
      await once(server.listen({ path: `\0${name}`, exclusive: true }), "listening");
      return (complete) => end(server, waiting, complete);
    } catch (error) {
      if (error.code !== "EADDRINUSE") throw error;
    }
    if (await answer(name)) return undefined;
    await sleep(AGAIN_MS);
  }
}

/** Answer those that wait. On a managed instance the thread continues to answer, because others may start later. */
function end(server, waiting, complete) {
  for (const socket of waiting) socket.end(complete ? READY : "");
  if (complete && !isMainThread) server.removeAllListeners("connection").on("connection", (socket) => socket.end(READY)).unref();
  else server.close();
}

/** Wait for the answer from the one that has the turn; return whether the tree is complete. */
function answer(name) {
  return new Promise((resolve) => {
    let received = "";
    const socket = net.connect({ path: `\0${name}` });
    socket.on("data", (data) => (received += data));
    socket.on("error", () => {}); // the one that had the turn has ended; `close` follows
    socket.on("close", () => resolve(received === READY));
  });
}
