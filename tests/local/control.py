"""Control of the local AWS beyond what AWS offers: kill a function's processes.

Paths under /_local/ of the one endpoint; everything else goes to the emulator.
"""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from ministack.core import lambda_runtime

from tests.local.upstream import needs

type Process = subprocess.Popen[bytes]
type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "/_local/"
needs(lambda_runtime, "_workers")


def with_control(app: App) -> App:
    """Return the emulator's application, with our paths in front."""

    async def controlled(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX + "kill/"):
            function = scope["path"].removeprefix(PREFIX + "kill/")
            await _answer(send, {"killed": await asyncio.to_thread(kill, function)})
        else:
            await app(scope, receive, send)

    return controlled


def kill(function: str) -> list[int]:
    """SIGKILL every process of `function`, as if its sandboxes had died: the process ids."""
    return [process.pid for process in _processes(function) if _killed(process)]


def _processes(function: str) -> list[Process]:
    pools = [pool for key, pool in lambda_runtime._workers.items() if key.split(":")[2] == function]
    return [worker._proc for pool in pools for worker in pool if worker._proc is not None]


def _killed(process: Process) -> bool:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


async def _answer(send: Send, body: object) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
