// A stand-in for the nodejs runtime's client: loads the handler from LAMBDA_TASK_ROOT in the documented order of file
// endings, polls the Runtime API, answers in one piece or as a stream. AWS's own client is not published for Node 24.
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: "response" }),
};

function send(method, target, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: `/2018-06-01/runtime${target}`, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    if (typeof body === "function") body(request);
    else request.end(body);
  });
}

const described = (error) =>
  JSON.stringify({ errorType: error?.name, errorMessage: error?.message, trace: String(error?.stack).split("\n") });

async function load(root, handler) {
  const [module, ...names] = path.basename(handler).split(".");
  const file = path.resolve(root, path.dirname(handler), module);
  const require = createRequire(`${file}.cjs`);
  const folder = path.dirname(file);
  const type = fs.existsSync(`${folder}/package.json`) && JSON.parse(fs.readFileSync(`${folder}/package.json`)).type;
  const byImport = (one) => import(pathToFileURL(one).href);
  const ways = { "": require, ".js": type === "module" ? byImport : require, ".mjs": byImport, ".cjs": require };
  for (const [ending, way] of Object.entries(ways)) {
    if (fs.statSync(file + ending, { throwIfNoEntry: false })?.isFile()) {
      const found = await way(file + ending);
      return names.reduce((value, name) => value[name], found);
    }
  }
  throw Object.assign(new Error(`Error: Cannot find module '${module}'`), { name: "Runtime.ImportModuleError" });
}

async function answer(handler, event, id) {
  const context = { awsRequestId: id, functionName: process.env.AWS_LAMBDA_FUNCTION_NAME };
  if (handler[STREAMING] !== "response") {
    return send("POST", `/invocation/${id}/response`, JSON.stringify((await handler(event, context)) ?? null));
  }
  const headers = { "Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked" };
  return send("POST", `/invocation/${id}/response`, (stream) => handler(event, stream, context), headers);
}

let handler;
try {
  handler = await load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
} catch (error) {
  await send("POST", "/init/error", described(error));
  process.exit(1);
}
for (;;) {
  const next = await send("GET", "/invocation/next");
  const id = next.headers["lambda-runtime-aws-request-id"];
  try {
    await answer(handler, JSON.parse(next.body), id);
  } catch (error) {
    await send("POST", `/invocation/${id}/error`, described(error));
  }
}
