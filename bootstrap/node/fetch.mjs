// Ranged GETs of one object version over kept-alive connections; as in bootstrap/loader/fetch.py.

import { setTimeout as sleep } from "node:timers/promises";
import { region, sign, TIMEOUT_MS } from "./endpoint.mjs";
import { describe, fault, REMEDIES, Retry, SlowDown } from "./failures.mjs";

const ATTEMPTS = 6;
const BACKOFF_MS = 50;
const [BUSY_MS, LONGEST_MS] = [100, 2000]; // as in bootstrap/loader/worker.py

/** Return the bytes of one range that `accept` takes. Transient errors are retried, permanent ones are thrown. */
export async function range(load, offset, length, accept) {
  for (let attempt = 1, slowed = 0; ; ) {
    const got = await ask(load, offset, length).catch(passing);
    if (!(got instanceof Error) && (await accept(got))) return got;
    if (load.failure) throw load.failure; // of another part
    load.retries++;
    const why = got instanceof Error ? got : new Retry("the bytes do not match the pinned digest");
    if (why instanceof SlowDown) {
      await sleep(Math.min(LONGEST_MS, BUSY_MS * 2 ** ++slowed) * Math.random());
      continue;
    }
    if (attempt === ATTEMPTS) throw gaveUp(load.pointer, why);
    await sleep(BACKOFF_MS * 3 ** (attempt++ - 1) * (1 + Math.random() / 2));
  }
}

/** Return a transient error; throw a permanent one, which is always ours. */
function passing(error) {
  if (error.name.startsWith("Dropshift.")) throw error;
  return error;
}

function gaveUp(pointer, error) {
  if (error instanceof Retry && error.message.includes("digest")) {
    const remedy = "the object is not what was published: redeploy the release";
    return fault("Dropshift.WrongBytes", `${describe(pointer)}: ${error.message}; ${remedy}`);
  }
  const remedy = "see that the function reaches S3 (in a VPC: a gateway endpoint) and try again";
  const why = error.message || error.code;
  return fault("Dropshift.Unreachable", `${describe(pointer)}: gave up after ${ATTEMPTS} attempts: ${why}; ${remedy}`);
}

/** Send one ranged GET and return its body. */
function ask(load, offset, length) {
  const { client, agent, url, target } = load.endpoint;
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

/** Return the body. A success that is not the range is not read, because it may be the whole object. */
async function receive(load, response, offset, length) {
  const status = response.statusCode;
  const wanted = `bytes ${offset}-${offset + length - 1}/`;
  const got = String(response.headers["content-range"]);
  if (status === 206 && got.startsWith(wanted)) return filled(response, length);
  const chunks = [];
  if (status < 300) response.destroy();
  else for await (const chunk of response) chunks.push(chunk);
  if (status !== 206) throw refusal(load, status, Buffer.concat(chunks));
  throw fault("Dropshift.WrongRange", `${describe(load.pointer)}: asked for '${wanted}', got '${got}'`);
}

/** Return the body in its own buffer, which can be transferred to another thread. */
function filled(response, length) {
  const body = new Uint8Array(length);
  let end = 0;
  return new Promise((resolve, reject) => {
    response.on("data", (chunk) => {
      if (end + chunk.length <= length) body.set(chunk, end);
      end += chunk.length;
    });
    response.on("error", reject);
    response.on("close", () => reject(new Retry("the connection was closed in the middle of an answer")));
    response.on("end", () => {
      if (end === length) resolve(body);
      else reject(new Retry(`${end} bytes came, ${length} were asked for`));
    });
  });
}

function refusal(load, status, body) {
  if (status === 503) return new SlowDown(`S3 answered ${status}`);
  if (status >= 500 || status === 408 || status === 429) return new Retry(`S3 answered ${status}`);
  if (status < 300) {
    const remedy = "this endpoint ignores Range; use one that honours it (see AWS_ENDPOINT_URL_S3)";
    return fault("Dropshift.NotRanged", `${describe(load.pointer)}: got ${status} instead of 206 for a ranged GET; ${remedy}`);
  }
  const guess = { 403: "AccessDenied", 404: "NoSuchKey" }[status] ?? "";
  const code = /<Code>(\w+)<\/Code>/.exec(body.toString("latin1"))?.[1] ?? guess;
  if (code === "SlowDown") return new SlowDown(`S3 answered ${status} ${code}`);
  if (code === "RequestTimeout") return new Retry(`S3 answered ${status} ${code}`);
  const [kind, remedy] = REMEDIES[code] ?? ["Refused", `S3 answered ${status} ${code}; see the S3 error reference`];
  return fault(`Dropshift.${kind}`, `${describe(load.pointer)}: ${remedy}`);
}
