"""The child process that is the local AWS: emulator, patches and durable runner behind one loopback port.

It ends when its standard input does, that is with its parent, however that one dies.
"""

import asyncio
import gc
import os
import shutil
import signal
import sys
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app
from ministack.core import lambda_runtime

from tests.local.configuration import current
from tests.local.control import with_control
from tests.local.patches import (
    alarms,
    authorization,
    cloudformation,
    deliveries,
    durable,
    logs,
    metrics,
    preconditions,
    recording,
    routing,
    runtime,
    s3_ranges,
)

PATCHES = (
    runtime,
    routing,
    metrics,
    logs,
    durable,
    alarms,
    deliveries,
    preconditions,
    cloudformation,
    authorization,
    s3_ranges,
    recording,
)
"""Later ones wrap earlier ones: a durable function is recognised before its alias is resolved."""


def main() -> None:
    """Install every patch, print `ready`, serve until the parent closes standard input."""
    for patch in PATCHES:
        patch.install()
    gc.freeze()  # the emulator's modules stay: no collection needs to look at them
    threading.Thread(target=_follow_parent, daemon=True, name="follow-parent").start()
    try:
        asyncio.run(_serve())
    finally:
        lambda_runtime.reset()
        shutil.rmtree(current().directory, ignore_errors=True)


async def _serve() -> None:
    config = Config()
    config.bind = [f"fd://{current().socket}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print("ready", flush=True)
    await serve(with_control(app.app), config, shutdown_trigger=stop.wait)  # type: ignore[arg-type] # ASGI by duck


def _follow_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
