// Stands where AWS's client for Node looks for its compiled half, which only carries answers to the Runtime API and back:
// building that takes a C++ compiler, CMake and two minutes. All that an application can tell is in the other half.
"use strict";
const http = require("node:http");
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true });
let answered = Promise.resolve();

const send = (method, target, body, headers = {}) =>
  new Promise((resolve, reject) => {
    const path = `/2018-06-01/runtime/invocation/${target}`;
    const request = http.request({ agent, host, port, method, path, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, bodyJson: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });

function answer(target, body, xray) {
  const cause = xray ? { "Lambda-Runtime-Function-XRay-Error-Cause": Buffer.from(xray).toString("latin1") } : {};
  answered = send("POST", target, body, { "Content-Type": "application/json", ...cause }).catch(() => {});
}

module.exports = {
  next: () => answered.then(() => send("GET", "next")), // the compiled one waits in `done` itself
  done: (id, body) => answer(`${id}/response`, body),
  error: (id, body, xray) => answer(`${id}/error`, body, xray),
};
