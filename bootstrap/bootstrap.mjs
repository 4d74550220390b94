// The module that `bootstrap.handler` names in a nodejs* runtime: same pointer, same bundle, same tree as in Python.
//
// The runtime imports this module and waits for it (top-level await). Then `handler` is the application's own function,
// and the runtime calls it directly.

import { adopt, startAgainIfNeeded, VARIABLE } from "./_dropshift/node/environment.mjs";
import { fault } from "./_dropshift/node/failures.mjs";
import { become, command, find } from "./_dropshift/node/handler.mjs";
import { load } from "./_dropshift/node/load.mjs";

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
  const { directory } = await load(pointer);
  if (pointer.kind === "nodejs") startAgainIfNeeded(pointer, directory);
  adopt(directory, pointer.handler ?? pointer.command[0]);
  if (pointer.kind === "executable") return become(pointer);
  return pointer.kind === "command" ? command(pointer) : find(directory, pointer.handler, import.meta.url);
}

export const handler = await start();
