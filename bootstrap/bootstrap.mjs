// What `bootstrap.handler` names in a nodejs* runtime: the same pointer, the same bundle, the same tree as in Python.
//
// The runtime imports this module and waits for it (top-level await); `handler` is then the application's own function,
// so nothing stands between the runtime and it. There is no hand-over before the init limit here: an init that is cut
// at 10 s goes on where it stood, because the journal says which parts are in place.
// Index: bootstrap/index.py; parts and journal: bootstrap/loader/parts.py, bootstrap/tree.py.

import { spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import * as zlib from "node:zlib";

const VARIABLE = "DROPSHIFT_POINTER";
const ATTEMPTS = 6;
const BACKOFF_MS = 50;
const TIMEOUT_MS = 5000;
const CONNECTIONS = 4;
const [FIRST, USUAL, LAST, OPENING, CLOSING] = [1 << 19, 2 << 20, 1 << 20, 4, 8 << 20];
const SLACK = 16 << 20;
const GONE = "exempt bundles/ from lifecycle rules, for bundles must outlive their versions, and redeploy the release";
const REMEDIES = {
  NoSuchKey: ["Missing", `the bundle is gone; ${GONE}`],
  NoSuchVersion: ["Missing", `the pinned object version is gone; ${GONE}`],
  NoSuchBucket: ["Missing", "the bucket does not exist; restore the bundles bucket and redeploy the release"],
  AccessDenied: [
    "AccessDenied",
    "access was denied; the function's role needs s3:GetObject and s3:GetObjectVersion on the bundle " +
      "(and kms:Decrypt on its key), and the bucket must belong to the account in the pointer",
  ],
  ExpiredToken: [
    "ExpiredCredentials",
    "the credentials have expired; start a fresh execution environment, and see that the role still exists",
  ],
};
const REQUIRES = process.env.AWS_EXECUTION_ENV === "AWS_Lambda_nodejs22.x";
const decompress = zlib.zstdDecompress && promisify(zlib.zstdDecompress);

/** A failure with the name the runtime reports as error type, and no stack: the message says it all. */
function fault(name, message) {
  const error = new Error(message);
  error.name = name;
  error.stack = `${name}: ${message}`;
  return error;
}

/** A part that did not arrive whole; ask for it again. */
class Retry extends Error {}

const what = (pointer) => `release ${pointer.release} (s3://${pointer.bucket}/${pointer.key}, version ${pointer.version})`;
const sha256 = (data) => createHash("sha256").update(data).digest("hex");

// ---- Signature Version 4, as in bootstrap/loader/sigv4.py ----

const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

export function sign(target, extra, credentials, region, time) {
  const empty = sha256("");
  const signed = { host: target.host, ...extra, "x-amz-content-sha256": empty, "x-amz-date": time };
  if (credentials.token) signed["x-amz-security-token"] = credentials.token;
  const names = Object.keys(signed).sort();
  const canonical = names.map((name) => `${name}:${signed[name]}\n`).join("");
  const request = `GET\n${target.path}\n${target.query}\n${canonical}\n${names.join(";")}\n${empty}`;
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const key = scope.split("/").reduce(hmac, `AWS4${credentials.secretKey}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(request)}`).toString("hex");
  signed.authorization =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKey}/${scope}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return signed;
}

// ---- Surroundings, as in bootstrap/loader/aws_environment.py ----

const region = () => process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || "us-east-1";

function placeOf(pointer) {
  const given = process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL;
  const suffix = region().startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const dotted = pointer.bucket.includes(".");
  const url = new URL(given || `https://${dotted ? "" : `${pointer.bucket}.`}s3.${region()}.${suffix}`);
  const prefix = given || dotted ? `${url.pathname.replace(/\/+$/, "")}/${encode(pointer.bucket)}` : "";
  const client = url.protocol === "https:" ? https : http;
  const authority = process.env.AWS_CA_BUNDLE && { ca: fs.readFileSync(process.env.AWS_CA_BUNDLE) };
  const agent = new client.Agent({ keepAlive: true, maxSockets: CONNECTIONS, ...authority });
  const query = pointer.version ? `versionId=${encode(pointer.version)}` : "";
  const target = { host: url.host, path: `${prefix}/${pointer.key.split("/").map(encode).join("/")}`, query };
  return { client, agent, url, target };
}

async function credentialsOf(pointer) {
  const env = process.env;
  if (env.AWS_ACCESS_KEY_ID) {
    return { accessKey: env.AWS_ACCESS_KEY_ID, secretKey: env.AWS_SECRET_ACCESS_KEY, token: env.AWS_SESSION_TOKEN };
  }
  const none = (why) => fault("Dropshift.NoCredentials", `${what(pointer)}: ${why}`);
  const endpoint = env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!endpoint) throw none("no credentials in the environment; give the function a role");
  try {
    const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
    const Authorization = file ? fs.readFileSync(file, "utf8") : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
    const response = await fetch(endpoint, { headers: { Authorization }, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const given = response.ok && (await response.json());
    if (!given.AccessKeyId) throw new Error(`it answered ${response.status} without AccessKeyId`);
    return { accessKey: given.AccessKeyId, secretKey: given.SecretAccessKey, token: given.Token };
  } catch (error) {
    throw none(`the container credentials endpoint failed: ${error.cause?.code ?? error.message}`);
  }
}

// ---- Fetching, as in bootstrap/loader/fetch.py and bootstrap/loader/worker.py ----

/** Give the bytes of one range once `check` accepts them; try again what may pass, refuse what will not. */
async function range(load, offset, length, check) {
  for (let attempt = 1; ; attempt++) {
    try {
      const data = await ask(load, offset, length);
      if (!check(data)) throw new Retry("the bytes do not match the pinned digest");
      return data;
    } catch (error) {
      if (error.name?.startsWith("Dropshift.")) throw error;
      load.retries++;
      if (attempt === ATTEMPTS) throw gaveUp(load.pointer, error);
      await sleep(BACKOFF_MS * 3 ** (attempt - 1) * (1 + Math.random() / 2));
    }
  }
}

function gaveUp(pointer, error) {
  if (error instanceof Retry && error.message.includes("digest")) {
    const remedy = "the object is not what was published: redeploy the release";
    return fault("Dropshift.WrongBytes", `${what(pointer)}: ${error.message}; ${remedy}`);
  }
  const remedy = "see that the function reaches S3 (in a VPC: a gateway endpoint) and try again";
  const why = error.message || error.code;
  return fault("Dropshift.Unreachable", `${what(pointer)}: gave up after ${ATTEMPTS} attempts: ${why}; ${remedy}`);
}

/** Send one ranged GET and give its body. */
function ask(load, offset, length) {
  const { client, agent, url, target } = load.place;
  const extra = { range: `bytes=${offset}-${offset + length - 1}` };
  if (load.pointer.owner) extra["x-amz-expected-bucket-owner"] = load.pointer.owner;
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const headers = sign(target, extra, load.credentials, region(), time);
  const options = { agent, headers, host: url.hostname, port: url.port || undefined, path: `${target.path}?${target.query}` };
  return new Promise((resolve, reject) => {
    const request = client.get(options, (response) => receive(load, response, offset, length).then(resolve, reject));
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Retry(`no byte came for ${TIMEOUT_MS / 1000} s`)));
    request.on("error", reject);
  });
}

/** Give the body; of a success that is not the range nothing is read, for it may be a whole object. */
async function receive(load, response, offset, length) {
  const status = response.statusCode;
  const wanted = `bytes ${offset}-${offset + length - 1}/`;
  const got = String(response.headers["content-range"]);
  const ranged = status === 206 && got.startsWith(wanted);
  const chunks = [];
  if (status < 300 && !ranged) response.destroy();
  else for await (const chunk of response) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (status !== 206) throw refusal(load, status, body);
  if (!ranged) throw fault("Dropshift.WrongRange", `${what(load.pointer)}: asked for '${wanted}', got '${got}'`);
  if (body.length !== length) throw new Retry(`${body.length} bytes came, ${length} were asked for`);
  return body;
}

function refusal(load, status, body) {
  if (status >= 500 || status === 408 || status === 429) return new Retry(`S3 answered ${status}`);
  if (status < 300) {
    const remedy = "this endpoint ignores Range; use one that honours it (see AWS_ENDPOINT_URL_S3)";
    return fault("Dropshift.NotRanged", `${what(load.pointer)}: got ${status} instead of 206 for a ranged GET; ${remedy}`);
  }
  const guess = { 403: "AccessDenied", 404: "NoSuchKey" }[status] ?? "";
  const code = /<Code>(\w+)<\/Code>/.exec(body.toString("latin1"))?.[1] ?? guess;
  if (code === "RequestTimeout" || code === "SlowDown") return new Retry(`S3 answered ${status} ${code}`);
  const [kind, remedy] = REMEDIES[code] ?? ["Refused", `S3 answered ${status} ${code}; see the S3 error reference`];
  return fault(`Dropshift.${kind}`, `${what(load.pointer)}: ${remedy}`);
}

// ---- The tree, as in bootstrap/tree.py, parts.py, skeleton.py and unpack.py ----

function treeOf(pointer) {
  const base = `${process.env.TMPDIR || "/tmp"}/dropshift`;
  const directory = `${base}/${pointer.sha256.slice(0, 32)}`;
  const named = (ending) => `${directory}.${ending}`;
  return { base, directory, marker: named("complete"), journal: named("journal"), names: named("index") };
}

/** Remove what other releases left, and an incomplete tree that has no journal. */
function clear(tree) {
  const ours = path.basename(tree.directory);
  for (const name of fs.readdirSync(tree.base)) {
    if (!name.startsWith(ours)) fs.rmSync(`${tree.base}/${name}`, { recursive: true, force: true });
  }
  if (!fs.existsSync(tree.journal)) fs.rmSync(tree.directory, { recursive: true, force: true });
}

function checkSpace(tree, pointer) {
  const disk = fs.statfsSync(tree.base);
  if (fs.existsSync(tree.journal) || disk.bavail * disk.bsize >= pointer.unpacked + SLACK) return;
  throw full(tree, pointer);
}

/** Say of what the disk refused that it did, in one line; anything else is nobody's expectation and stays as it is. */
function refused(error, tree, pointer) {
  if (["ENOSPC", "EDQUOT"].includes(error.code)) return full(tree, pointer);
  return error.syscall ? fault("Dropshift.Disk", `${what(pointer)}: ${error.message}`) : error;
}

function full(tree, pointer) {
  // The folder above is there even when our own could not be made.
  const disk = fs.statfsSync(path.dirname(tree.base));
  const [free, needed] = [disk.bavail * disk.bsize, pointer.unpacked + SLACK].map((bytes) => Math.ceil(bytes / 2 ** 20));
  const remedy = `raise the function's ephemeral storage to at least ${needed + 64} MB, or write less to /tmp`;
  return fault("Dropshift.NoSpace", `${what(pointer)}: needs ${needed} MB, ${tree.base} has ${free} MB free; ${remedy}`);
}

export function plan(index) {
  const parts = [];
  let remaining = index.frames.reduce((sum, [compressed]) => sum + compressed, 0);
  let part = { offset: 0, size: 0, frames: [] };
  index.frames.forEach((frame, number) => {
    const limit = parts.length < OPENING ? FIRST : remaining < CLOSING ? LAST : USUAL;
    if (part.frames.length && (number === index.hot || part.size + frame[0] > limit)) {
      parts.push(part);
      remaining -= part.size;
      part = { offset: part.offset + part.size, size: 0, frames: [] };
    }
    part.frames.push(frame);
    part.size += frame[0];
  });
  return [...parts, part];
}

/** Make directories and links; give the names that files are written to. */
function prepare(tree, index) {
  fs.mkdirSync(tree.directory, { recursive: true });
  const there = (error) => {
    if (error.code !== "EEXIST") throw error;
  };
  for (const name of index.directories) attempt(() => fs.mkdirSync(`${tree.directory}/${name}`), there);
  for (const [name, target] of index.links) attempt(() => fs.symlinkSync(target, `${tree.directory}/${name}`), there);
  return index.files[0]?.map((name) => `${tree.directory}/${name}`);
}

function attempt(action, otherwise) {
  try {
    action();
  } catch (error) {
    otherwise(error);
  }
}

/** Write one verified frame's files. */
function put(raw, [offsets = [], lengths, positions, held], modes, names) {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW } = fs.constants;
  for (const [at, offset] of offsets.entries()) {
    const [length, position] = [lengths[at], positions[at]];
    for (const file of held[at]) {
      const target = fs.openSync(names[file], O_WRONLY | O_CREAT | O_NOFOLLOW, modes[file]);
      for (let done = 0; done < length; ) {
        done += fs.writeSync(target, raw, offset + done, length - done, position + done);
      }
      fs.closeSync(target);
    }
  }
}

async function placePart(load, index, names, part) {
  const starts = [];
  part.frames.reduce((start, [compressed]) => (starts.push(start), start + compressed), 0);
  const cut = (data, at) => data.subarray(starts[at], starts[at] + part.frames[at][0]);
  const whole = (data) => part.frames.every(([, , digest], at) => sha256(cut(data, at)) === digest);
  const data = await range(load, part.offset, part.size, whole);
  for (const [at, [, , , slices]] of part.frames.entries()) {
    put(await decompress(cut(data, at)), slices, index.files[1], names);
  }
  load.bytes += part.size;
}

async function fill(load) {
  const { pointer, tree } = load;
  const content = await range(load, pointer.offset, pointer.size, (data) => sha256(data) === pointer.sha256);
  const text = await decompress(content);
  fs.writeFileSync(tree.names, text);
  const index = JSON.parse(text);
  const names = prepare(tree, index);
  const parts = plan(index);
  const journal = fs.openSync(tree.journal, "a+");
  const known = new Uint32Array(new Uint8Array(fs.readFileSync(tree.journal)).slice().buffer.slice(0, fs.fstatSync(journal).size & ~3));
  const missing = parts.map((_, number) => number).filter((number) => !known.includes(number));
  const work = async () => {
    for (let number = missing.shift(); number !== undefined; number = missing.shift()) {
      await placePart(load, index, names, parts[number]);
      fs.writeSync(journal, new Uint8Array(Uint32Array.of(number).buffer));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  fs.closeSync(journal);
  fs.writeFileSync(tree.marker, "");
  fs.rmSync(tree.journal, { force: true });
  load.parts = parts.length;
}

// Who loads, when several threads or processes start at once:
//
//     A: listens on the tree's name, loads          B, C: cannot listen; try again
//     A: writes the marker, closes                  B, C: see the marker
//     A: is killed instead                          B: listens, loads what is missing; C: tries again
//
// The kernel lets one listen on a name that is no file (unix(7), "abstract") and frees it when that one ends, however it
// does: nothing lies about that a full disk could spoil, or that a reused process id could keep alive.

/** Wait until this thread may load, and give what holds its turn; give nothing when another has loaded. */
async function turn(tree) {
  while (!fs.existsSync(tree.marker)) {
    const server = net.createServer().listen({ path: `\0${sha256(tree.directory)}`, exclusive: true });
    try {
      await once(server, "listening");
      return server;
    } catch (error) {
      if (error.code !== "EADDRINUSE") throw error;
      await sleep(20);
    }
  }
}

async function load(pointer) {
  if (!decompress) {
    throw fault("Dropshift.Runtime", `Node ${process.version} has no zstd; use nodejs22.x or later (Node 22.15 or later)`);
  }
  const began = performance.now();
  const tree = treeOf(pointer);
  const state = { pointer, tree, place: placeOf(pointer), bytes: 0, retries: 0, parts: 0 };
  const held = await turn(tree);
  try {
    if (!fs.existsSync(tree.marker)) {
      state.credentials = await credentialsOf(pointer);
      fs.mkdirSync(tree.base, { recursive: true });
      clear(tree);
      checkSpace(tree, pointer);
      await fill(state);
    }
  } catch (error) {
    const refusal = refused(error, tree, pointer);
    report(pointer, "release.not_loaded", { kind: refusal.name.replace("Dropshift.", ""), problem: refusal.message }, { LoadFailures: 1 });
    throw refusal;
  } finally {
    held?.close();
    state.place.agent.destroy();
  }
  if (state.parts) {
    const took = performance.now() - began;
    const metrics = { LoadTime: Math.round(took), LoadedBytes: state.bytes, LoadRetries: state.retries, LoadFailures: 0 };
    report(pointer, "release.loaded", { parts: state.parts, seconds: { files: Number((took / 1000).toFixed(3)) } }, metrics);
  }
  return tree;
}

/** One line a load that is also a metric, as in bootstrap/startup/report.py; the runtime's console would put words before it. */
function report(pointer, event, told, metrics) {
  const units = { LoadTime: "Milliseconds", LoadedBytes: "Bytes" };
  const Metrics = Object.keys(metrics).map((Name) => ({ Name, Unit: units[Name] ?? "Count" }));
  const line = JSON.stringify({
    event,
    release: pointer.release,
    release_id: pointer.id,
    init_type: process.env.AWS_LAMBDA_INITIALIZATION_TYPE ?? "",
    ...told,
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [{ Namespace: "Dropshift", Dimensions: [["FunctionName"]], Metrics }],
    },
    FunctionName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? "",
    ...metrics,
  });
  process.stdout.write(`${line}\n`);
}

// ---- Becoming the application ----

const moved = (list, old, root) =>
  list.split(":").map((one) => (one === old || one.startsWith(`${old}/`) ? root + one.slice(old.length) : one)).join(":");

/** Take the application's identity: environment and working directory as a native deployment has them. */
function adopt(root, handler) {
  const old = process.env.LAMBDA_TASK_ROOT ?? "";
  for (const name of [VARIABLE, "DROPSHIFT_RELEASES", "DROPSHIFT_HAND_OVER"]) delete process.env[name];
  for (const name of ["LD_LIBRARY_PATH", "NODE_PATH", "PATH"]) {
    if (old && process.env[name]) process.env[name] = moved(process.env[name], old, root);
  }
  process.env.LAMBDA_TASK_ROOT = root;
  process.env._HANDLER = handler;
  try {
    process.chdir(root);
  } catch {
    process.cwd = () => root; // a managed instance's worker threads cannot change it; they can say which one counts
  }
}

/** Find the handler as AWS's client does that runs this: in nodejs22.x it requires CommonJS, later it imports everything. */
async function find(root, handler) {
  const folder = handler.slice(0, handler.lastIndexOf("/") + 1);
  const [name, ...nested] = handler.slice(folder.length).split(".");
  if (!name || !nested.length) throw fault("Runtime.MalformedHandlerName", "Bad handler");
  try {
    const module = await importAny(root, folder, name);
    const within = (value) => nested.reduce((at, key) => at?.[key], value);
    const found = within(module) || (!REQUIRES && within(module?.default));
    if (typeof found === "function") return found;
    const complaint = `${handler} is ${found ? "not a function" : "undefined or not exported"}`;
    throw Object.defineProperty(new Error(complaint), "name", { value: "Runtime.HandlerNotFound", enumerable: !REQUIRES });
  } catch (error) {
    // The client names it by class and code, as it does natively; our own frames are nobody's business.
    if (error?.stack) error.stack = String(error.stack).split("\n").filter((line) => !line.includes(import.meta.url)).join("\n");
    throw error;
  }
}

async function importAny(root, folder, name) {
  const file = path.resolve(root, folder, name);
  const require = createRequire(process.argv[1]); // the client's file, which "Require stack:" names
  for (const ending of ["", ".js", ".mjs", ".cjs"]) {
    if (!fs.existsSync(file + ending)) continue;
    const isModule = ending === ".mjs" || (ending === ".js" && inModulePackage(path.dirname(file)));
    return REQUIRES && !isModule ? require(file + ending) : await import(file + ending);
  }
  return require(require.resolve(name, { paths: [root, path.join(root, folder)] }));
}

function inModulePackage(folder) {
  for (let at = folder; at !== path.dirname(at); at = path.dirname(at)) {
    if (fs.existsSync(`${at}/package.json`)) return JSON.parse(fs.readFileSync(`${at}/package.json`, "utf8")).type === "module";
  }
  return false;
}

/** Let a native program take the runtime's place; every Node that has zstd has execve. */
function become(pointer) {
  const [program, ...rest] = pointer.command;
  const file = program.includes("/") ? path.resolve(program) : program;
  attempt(
    () => {
      fs.accessSync(file, fs.constants.X_OK);
      process.execve(file, [program, ...rest], process.env);
    },
    (error) => {
      const remedy = "see command in dropshift.toml, the file's executable bit and its architecture";
      throw fault("Dropshift.Executable", `${what(pointer)}: cannot run ${program}: ${error.message}; ${remedy}`);
    },
  );
}

/** Give the function that runs a command once a call, as in bootstrap/startup/command.py. */
const command = (pointer) => (event, context) =>
  new Promise((resolve, reject) => {
    const [program, ...rest] = pointer.command;
    const env = { ...process.env, AWS_LAMBDA_REQUEST_ID: context.awsRequestId };
    const child = spawn(program, rest, { cwd: process.cwd(), env, stdio: "pipe" });
    const output = [];
    let tail = Buffer.alloc(0);
    child.stdout.on("data", (data) => output.push(data));
    child.stderr.on("data", (data) => {
      process.stderr.write(data);
      tail = Buffer.concat([tail, data]).subarray(-4096);
    });
    child.stdin.on("error", () => {}); // a command need not read its input
    child.on("error", (error) => {
      reject(fault("Dropshift.Command", `cannot run ${program}: ${error.message}; see command in dropshift.toml`));
    });
    child.on("close", (status, signal) => {
      if (status === 0) return resolve(answer(Buffer.concat(output).toString()));
      const said = tail.toString().trim();
      reject(fault("Dropshift.CommandFailed", `${pointer.command.join(" ")} ended with status ${status ?? signal}: ${said}`));
    });
    child.stdin.end(JSON.stringify(event));
  });

function answer(text) {
  try {
    return text.trim() ? JSON.parse(text) : null;
  } catch {
    return text;
  }
}

function parse(text) {
  try {
    const pointer = JSON.parse(text);
    if (!/^[0-9a-f]{64}$/.test(pointer.sha256)) throw new Error("sha256 is not 64 lower-case hex digits");
    return pointer;
  } catch (error) {
    throw fault("Dropshift.Pointer", `${VARIABLE} cannot be used: ${error.message}`);
  }
}

async function start() {
  const text = process.env[VARIABLE];
  if (!text) {
    const where = process.env.DROPSHIFT_RELEASES || "s3://<releases bucket>/<application>/";
    return async () => {
      throw fault("Dropshift.NoRelease", `no release yet: drop an archive at ${where}<release>.zip`);
    };
  }
  const pointer = parse(text);
  const tree = await load(pointer);
  adopt(tree.directory, pointer.handler ?? pointer.command[0]);
  if (pointer.kind === "executable") return become(pointer);
  return pointer.kind === "command" ? command(pointer) : find(tree.directory, pointer.handler);
}

export const handler = await start();
