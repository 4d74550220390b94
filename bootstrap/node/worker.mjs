// A thread that places the parts that the main one fetches: hashing, zstd and the disk take as long as the network.

import { parentPort } from "node:worker_threads";
import { parse, place, plan } from "./place.mjs";

let index, parts, root;

parentPort.on("message", (message) => {
  if (message.content) {
    index = parse(message.content);
    parts = plan(index);
    root = message.root;
  } else {
    parentPort.postMessage({ number: message.number, ...placed(message) });
  }
});

function placed({ number, data }) {
  try {
    return { placed: place(parts[number], data, index, root) };
  } catch ({ code, syscall, message }) {
    return { error: { code, syscall, message } };
  }
}
