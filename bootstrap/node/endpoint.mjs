// S3's endpoint for a bundle, the credentials, and the signature of a request; as in
// bootstrap/loader/aws_environment.py and bootstrap/loader/sigv4.py.

import { createHash, createHmac } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import { describe, fault } from "./failures.mjs";

export const TIMEOUT_MS = 5000;

export const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Return the headers of a GET, Signature Version 4. */
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

export const region = () => process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || "us-east-1";

const SUFFIXES = {
  "cn-": "amazonaws.com.cn",
  "eusc-": "amazonaws.eu",
  "us-iso-": "c2s.ic.gov",
  "us-isob-": "sc2s.sgov.gov",
  "us-isof-": "csp.hci.ic.gov",
  "eu-isoe-": "cloud.adc-e.uk",
};

function regionalHost() {
  const start = Object.keys(SUFFIXES).find((one) => region().startsWith(one));
  const wants = (name, word) => (process.env[name]?.toLowerCase() === "true" ? word : "");
  const fips = wants("AWS_USE_FIPS_ENDPOINT", "-fips");
  const dualStack = wants("AWS_USE_DUALSTACK_ENDPOINT", ".dualstack");
  return `s3${fips}${dualStack}.${region()}.${SUFFIXES[start] ?? "amazonaws.com"}`;
}

/** Return the endpoint of the pointer's bucket, with connections of its own. */
export function endpointOf(pointer, connections) {
  const given = process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL;
  const dotted = pointer.bucket.includes(".");
  const url = new URL(given || `https://${dotted ? "" : `${pointer.bucket}.`}${regionalHost()}`);
  const prefix = given || dotted ? `${url.pathname.replace(/\/+$/, "")}/${encode(pointer.bucket)}` : "";
  const client = url.protocol === "https:" ? https : http;
  const authority = process.env.AWS_CA_BUNDLE && { ca: fs.readFileSync(process.env.AWS_CA_BUNDLE) };
  const agent = new client.Agent({ keepAlive: true, maxSockets: connections, ...authority });
  const query = pointer.version ? `versionId=${encode(pointer.version)}` : "";
  const target = { host: url.host, path: `${prefix}/${pointer.key.split("/").map(encode).join("/")}`, query };
  return { client, agent, url, target };
}

/** Return the role's credentials: from the environment, or from the container endpoint. */
export async function credentialsOf(pointer) {
  const env = process.env;
  if (env.AWS_ACCESS_KEY_ID) {
    return { accessKey: env.AWS_ACCESS_KEY_ID, secretKey: env.AWS_SECRET_ACCESS_KEY, token: env.AWS_SESSION_TOKEN };
  }
  const none = (why) => fault("Dropshift.NoCredentials", `${describe(pointer)}: ${why}`);
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
