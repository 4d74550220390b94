"""The Lambda Runtime API, served to one execution environment over loopback.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. It knows neither functions nor processes: what it
is offered goes out at the next poll, what the runtime posts comes back as an outcome.
"""

import base64
import http.client
import json
import queue
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

_VERSION = "/2018-06-01/runtime"
_RESULT = re.compile(_VERSION + r"/invocation/([^/]+)/(response|error)$")

type Happening = Literal["ready", "response", "error", "init-error", "exited"]


@dataclass(frozen=True)
class Invocation:
    """One event on its way to the runtime; `deadline` in seconds since the epoch."""

    request_id: str
    payload: bytes
    deadline: float
    function_arn: str
    trace_id: str | None = None
    client_context: str | None = None
    """The client context, as JSON."""
    cognito_identity: str | None = None
    tenant_id: str | None = None
    content_type: str = "application/json"

    def headers(self) -> dict[str, str]:
        """Return the headers a runtime finds on its next invocation."""
        found = {
            "Content-Type": self.content_type,
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(self.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.function_arn,
        }
        optional = {
            "Lambda-Runtime-Trace-Id": self.trace_id,
            "Lambda-Runtime-Client-Context": self.client_context,
            "Lambda-Runtime-Cognito-Identity": self.cognito_identity,
            "Lambda-Runtime-Aws-Tenant-Id": self.tenant_id,
        }
        return found | {name: value for name, value in optional.items() if value}


@dataclass(frozen=True)
class Outcome:
    """Something the runtime did: polled for the first time, answered, failed, or ended."""

    kind: Happening
    payload: bytes = b""
    error_type: str = ""
    """The error type from the runtime's header; the service counts and logs it by this name."""
    content_type: str = ""
    cause: str = ""
    """The runtime's account of an error for X-Ray, as JSON."""


class RuntimeApi:
    """The server side; `outcomes` is where everything the runtime does arrives, in order."""

    def __init__(self) -> None:
        self.outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._offered: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._out = set[str]()
        """Requests that wait for their answer; several at once in a managed instance."""
        self.polled = False
        """True if init is over: a failure of it can no longer be reported."""
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, daemon=True, name="runtime-api").start()

    @property
    def address(self) -> str:
        """`host:port`, for AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_port}"

    def offer(self, invocation: Invocation) -> None:
        """Hand `invocation` to the runtime at its next poll."""
        self._out.add(invocation.request_id)
        self._offered.put(invocation)

    def close(self) -> None:
        """Let go of a runtime that waits for its next event, and stop listening in a moment."""
        self._offered.put(None)
        threading.Thread(target=self._server.end, daemon=True).start()

    def wait(self) -> Invocation | None:
        """Called by the serving thread: the next event, or None once closed."""
        if not self.polled:
            self.polled = True
            self.outcomes.put(Outcome("ready"))
        return self._offered.get()

    def restore(self) -> bool:
        """Called by the serving thread: a SnapStart runtime stands at its snapshot until an event is offered."""
        self.polled = True
        self.outcomes.put(Outcome("ready"))
        waiting = self._offered.get()
        self._offered.put(waiting)
        return waiting is not None

    def settle(self, request_id: str, outcome: Outcome) -> bool:
        """Take the answer to a request that is out; a late or duplicate one is refused."""
        if request_id not in self._out:
            return False
        self._out.remove(request_id)
        self.outcomes.put(outcome)
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def end(self) -> None:
        """Leave the serving loop, which looks up twice a second, then free the port."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A runtime that was killed leaves a broken connection behind; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # with Nagle every call waits for a delayed ACK: 40 ms
    wbufsize = -1  # headers and body leave together

    def do_GET(self) -> None:
        if self.path == _VERSION + "/restore/next":
            self._answer(200 if self.server.api.restore() else 500)
        elif self.path == _VERSION + "/invocation/next":
            self._next(self.server.api.wait())
        else:
            self._answer(404)

    def do_POST(self) -> None:
        payload = self._body()
        found = _RESULT.match(self.path)
        if found:
            self._settled(accepted=self.server.api.settle(found[1], self._outcome(found[2] == "response", payload)))
        elif self.path == _VERSION + "/init/error" and self.server.api.polled:
            self._answer(403, b'{"errorType":"InvalidStateTransition"}')
        elif self.path in (_VERSION + "/init/error", _VERSION + "/restore/error"):
            self.server.api.outcomes.put(Outcome("init-error", payload, *self._said()))
            self._answer(202, b'{"status":"OK"}')
        else:
            self._answer(404)

    def _outcome(self, response: bool, payload: bytes) -> Outcome:  # noqa: FBT001 - the path tells
        """Make an outcome; the trailers of a stream that broke off have its error."""
        broken = self.headers.get("Lambda-Runtime-Function-Error-Body") if response else None
        body = base64.b64decode(broken) if broken else payload
        return Outcome("response" if response and not broken else "error", body, *self._said())

    def _said(self) -> Iterator[str]:
        """Return an answer's error type, content type, and cause for X-Ray from its headers."""
        function = "Lambda-Runtime-Function"
        for name in (f"{function}-Error-Type", "Content-Type", f"{function}-XRay-Error-Cause"):
            yield self.headers.get(name, "").encode("latin-1").decode(errors="replace")

    def _next(self, invocation: Invocation | None) -> None:
        if invocation is None:
            self.close_connection = True
        else:
            self._answer(200, invocation.payload, invocation.headers())

    def _settled(self, *, accepted: bool) -> None:
        refusal = {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}
        self._answer(202, b'{"status":"OK"}') if accepted else self._answer(400, json.dumps(refusal).encode())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            content = b"".join(iter(self._chunk, b""))
            for name, value in http.client.parse_headers(self.rfile).items():
                self.headers[name] = value
            return content
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        piece = self.rfile.read(size)
        if size:
            self.rfile.readline()
        return piece

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value.encode().decode("latin-1"))  # header values are bytes: UTF-8, as Lambda's
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing: every invocation is already in the function's log."""
