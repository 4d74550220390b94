// The application's own function, found as AWS's client finds it; or the stand-in for a command or a native program.

import { spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { describe, fault } from "./failures.mjs";

const REQUIRES = process.env.AWS_EXECUTION_ENV === "AWS_Lambda_nodejs22.x";
const HERE = new URL("..", import.meta.url).href;

/** Find the handler as this runtime's own client does: nodejs22.x requires CommonJS, later ones import everything. */
export async function find(root, handler, ours) {
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
    // The client reports class and code as in a native deployment. Our own frames do not belong there.
    const isOurs = (line) => line.includes(HERE) || line.includes(ours);
    if (error?.stack) error.stack = String(error.stack).split("\n").filter((line) => !isOurs(line)).join("\n");
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

/** Replace this process by a native program; every Node that has zstd has execve. */
export function become(pointer) {
  const [program, ...rest] = pointer.command;
  const file = program.includes("/") ? path.resolve(program) : program;
  try {
    fs.accessSync(file, fs.constants.X_OK);
    process.execve(file, [program, ...rest], process.env);
  } catch (error) {
    const remedy = "see command in dropshift.toml, the file's executable bit and its architecture";
    throw fault("Dropshift.Executable", `${describe(pointer)}: cannot run ${program}: ${error.message}; ${remedy}`);
  }
}

/** Return the function that runs the command once per call, as in bootstrap/startup/command.py. */
export const command = (pointer) => (event, context) =>
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
