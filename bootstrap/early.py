"""The first invocation, taken while the import goes on, because on-demand init is cut at 10 s and begun again.

For Lambda, init ends with the first request for an invocation. The runtime's process cannot send one while it waits in
the kernel for a file, so a separate process sends it shortly before the limit. A pipe holds one byte, and the process
that reads it is the one that asks: the runtime or that process. The loader reads it before it kills the runtime, so
that it can report why.
"""

import json
import marshal
import os
import select
import time
from typing import Any, NoReturn

from .failures import LoadError

SECONDS = 9.0
"""Seconds after the runtime's start when the invocation is taken; Lambda cuts the init at 10."""
API = "/2018-06-01/runtime"
DEADLINE = "Lambda-Runtime-Deadline-Ms"
ANSWERED = 2.0
"""Seconds that reporting an error may take."""
type Invocation = tuple[bytes, dict[str, str | int | None]]


class EarlyInvocation:
    """The first invocation of one environment, before it has been requested."""

    def __init__(self) -> None:
        """Start the process that waits for the limit; it is not a child of this one."""
        self._token, token = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.write(token, b"!")
        self._result, result = os.pipe2(os.O_CLOEXEC)
        wanted, self._wanted = os.pipe2(os.O_CLOEXEC)
        runtime, process = os.getpid(), os.fork()
        if not process:
            if not os.fork():
                os.close(self._wanted)
                self._wait(runtime, wanted, result)
            os._exit(0)
        for descriptor in (token, result, wanted):
            os.close(descriptor)
        os.waitpid(process, 0)

    def claim(self) -> Invocation | None:
        """Return the invocation if it has been taken. If not, no other process takes it after this call."""
        os.close(self._wanted)
        taken = None if self._takes_token() else self._taken()
        os.close(self._token)
        os.close(self._result)
        return taken

    def report(self, error: LoadError) -> None:
        """Answer with an error before the runtime is killed, unless the runtime has claimed the invocation."""
        path = f"{API}/init/error" if self._takes_token() else self._path_of_error()
        kind = f"Dropshift.{error.kind}"
        body = {"errorType": kind, "errorMessage": str(error), "stackTrace": []}
        headers = {"Lambda-Runtime-Function-Error-Type": kind, "Content-Type": "application/json"}
        try:
            if path:
                _call("POST", path, json.dumps(body).encode(), headers, ANSWERED)
        except OSError:
            return  # the log has the reason, too

    def _path_of_error(self) -> str:
        """Return the path to report to; empty if the invocation was claimed or has not arrived yet."""
        if not select.select([self._result], [], [], 0)[0]:
            return ""
        taken = self._taken()
        return f"{API}/invocation/{taken[1]['Lambda-Runtime-Aws-Request-Id']}/error" if taken else ""

    def _takes_token(self) -> bool:
        try:
            return bool(os.read(self._token, 1))
        except BlockingIOError:
            return False

    def _taken(self) -> Invocation | None:
        content = b"".join(iter(lambda: os.read(self._result, 1 << 16), b""))
        return marshal.loads(content) if content else None  # noqa: S302 - what this module wrote

    def _wait(self, runtime: int, wanted: int, result: int) -> NoReturn:
        """Take the invocation at the limit, unless the runtime has claimed it or has ended."""
        try:
            limit = _process_start(runtime) + float(os.environ.get("DROPSHIFT_HAND_OVER") or SECONDS)
            left = max(0.0, limit - time.clock_gettime(time.CLOCK_BOOTTIME))
            if not select.select([wanted], [], [], left)[0] and self._takes_token():
                content = memoryview(marshal.dumps(_next()))
                while content:
                    content = content[os.write(result, content) :]
        finally:
            os._exit(0)


def _next() -> Invocation:
    """Wait for an invocation; its headers have the names and types that the runtime's client gives them."""
    body, headers = _call("GET", f"{API}/invocation/next", b"", {}, None)
    return body, {name.title(): _typed(name.title(), value) for name, value in headers.items()}


def _typed(name: str, value: str) -> str | int | None:
    """Return a header's value: the deadline as a number, text as UTF-8, which http.client reads as Latin-1."""
    return int(value) if name == DEADLINE else value.encode("latin-1").decode("utf-8", "replace") or None


def _call(method: str, path: str, body: bytes, headers: dict[str, str], seconds: float | None) -> Any:  # noqa: ANN401
    from http.client import HTTPConnection  # noqa: PLC0415 - costs 20 ms, and few starts need it

    connection = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"], timeout=seconds)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def _process_start(pid: int) -> float:
    """Return when a process was started, in seconds of CLOCK_BOOTTIME; proc(5), field 22 of stat."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")
