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
  try {
    if (handler.includes("..")) throw named("MalformedHandlerName", `'${handler}' ${NOT_VALID}`);
    const folder = handler.slice(0, handler.lastIndexOf("/") + 1);
    const [name, ...nested] = handler.slice(folder.length).split(".");
    if (!nested.length) throw named("MalformedHandlerName", "Bad handler");
    const found = within(await importAny(root, folder, name, ours), nested);
    if (typeof found === "function") return found;
    throw named("HandlerNotFound", `${handler} is ${found ? "not a function" : "undefined or not exported"}`);
  } catch (error) {
    throw withoutOurs(error, ours);
  }
}

const NOT_VALID = "is not a valid handler name. Use absolute paths when specifying root directories in handler names.";

/** Return an error of the client's own; later clients let its name be seen. */
const named = (name, message) =>
  Object.defineProperty(new Error(message), "name", { value: `Runtime.${name}`, enumerable: !REQUIRES });

/** Follow the names after the module's; later clients look into objects only, and into a default export, too. */
function within(module, names) {
  const isOpen = (value) => value && (REQUIRES || typeof value === "object");
  const follow = (start) => names.reduce((at, name) => (isOpen(at) ? at[name] : undefined), start);
  const hasDefault = !REQUIRES && isOpen(module) && "default" in module;
  return follow(module) || (hasDefault ? follow(module.default) : undefined);
}

/** Return an error without our frames: the client reports class and code as in a native deployment. */
function withoutOurs(error, ours) {
  const isOurs = (line) => line.includes(HERE) || line.includes(ours);
  if (error?.stack) error.stack = String(error.stack).split("\n").filter((line) => !isOurs(line)).join("\n");
  return error;
}

async function importAny(root, folder, name, ours) {
  const file = path.resolve(root, folder, name);
  const require = createRequire(process.argv[1]); // the client's file, which "Require stack:" names
  const isModule = (ending) => ending === ".mjs" || (ending === ".js" && inModulePackage(path.dirname(file), ours));
  for (const ending of ["", ".js", ".mjs", ".cjs"]) {
    if (!fs.existsSync(file + ending)) continue;
    const loaded = await (REQUIRES && !isModule(ending) ? apart(require, file + ending) : import(file + ending));
    if (loaded) return loaded;
  }
  return apart(require, require.resolve(name, { paths: [root, path.join(root, folder)] }));
}

/** Call a function with no frame of ours below it: an error that a module makes keeps its stack for later. */
const apart = (call, argument) =>
  new Promise((resolve, reject) => {
    const settled = Promise.resolve(argument).then(call);
    settled.then((value) => resolve(value), (error) => reject(error));
  });

/** Return whether the nearest package.json, up to a node_modules, makes .js a module; one that cannot be read does not. */
function inModulePackage(folder, ours) {
  for (let at = folder; !at.endsWith("/node_modules"); at = path.dirname(at)) {
    const file = path.join(at, "package.json");
    try {
      const found = fs.existsSync(file) && JSON.parse(fs.readFileSync(file, "utf8"));
      if (found) return found.type === "module";
    } catch (error) {
      console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, withoutOurs(error, ours));
      return false;
    }
    if (at === path.dirname(at)) return false;
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
