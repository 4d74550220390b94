// Who loads, when several threads or processes start at once:
//
//     A: listens on the tree's name, loads          B, C: cannot listen; connect, and wait for A's answer
//     A: answers that the tree is complete          B, C: use it
//     A: is killed, or fails                        B, C: lose the connection; B listens, C waits for B's answer
//
// The kernel lets one listen on a name that is no file (unix(7), "abstract") and frees it when that one ends, however it
// does: nothing lies about that a full disk could spoil, or that a reused process id could keep alive.

import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";

const READY = "ready";
const AGAIN_MS = 20;

/** Wait until nobody else loads, or somebody has loaded; return how to end the turn, or nothing when there is none. */
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

/** Answer those that wait. One of a managed instance's threads goes on answering: the others may come later. */
function end(server, waiting, complete) {
  for (const socket of waiting) socket.end(complete ? READY : "");
  if (complete && !isMainThread) server.removeAllListeners("connection").on("connection", (socket) => socket.end(READY)).unref();
  else server.close();
}

/** Wait for the answer of who has the turn; return whether the tree is complete. */
function answer(name) {
  return new Promise((resolve) => {
    let said = "";
    const socket = net.connect({ path: `\0${name}` });
    socket.on("data", (data) => (said += data));
    socket.on("error", () => {}); // whoever had the turn has ended; `close` follows
    socket.on("close", () => resolve(said === READY));
  });
}
