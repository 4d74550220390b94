"""A stand-in for S3's GetObject that can misbehave: one bucket, path-style, versions, ranges, and faults on demand."""

import hashlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

type Fault = Literal[
    "503", "500", "reset", "stall", "late", "short", "corrupt", "whole", "403", "404", "expired", "garbage", "shifted"
]
BUCKET = "bundles"
ERRORS = {
    "500": (500, "InternalError"),
    "503": (503, "SlowDown"),
    "403": (403, "AccessDenied"),
    "404": (404, "NoSuchVersion"),
    "expired": (400, "ExpiredToken"),
}


@dataclass
class ObjectStore:
    """Objects by key and version; `misbehave` is asked before every answer and may name a fault."""

    misbehave: Callable[[int], Fault | None] = lambda _number: None
    stall: float = 30.0
    """Seconds that a stalled answer hangs in the middle."""
    patience: Callable[[], object] = lambda: time.sleep(1)
    """The event for which a late answer waits."""
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    indexes: set[int] = field(default_factory=set)
    """Offsets of the bundles' indexes."""
    requests: list[str] = field(default_factory=list)
    port: int = 0
    served: int = 0
    connections: set[socket.socket] = field(default_factory=set)

    def close_connections(self) -> None:
        """End every connection that is open, as S3 does with one that was idle for long."""
        for connection in tuple(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        """The value for AWS_ENDPOINT_URL_S3."""
        return f"http://127.0.0.1:{self.port}"

    def late_but_index_and_first(self, number: int) -> Fault | None:
        """Misbehave so: a bundle's index and its first part come at once, all else late."""
        return None if self.starts_at(number) in {0, *self.indexes} else "late"

    def starts_at(self, number: int) -> int:
        """Return the first byte of the range that a request asked for."""
        return int(self.requests[number - 1].removeprefix("bytes=").partition("-")[0])

    def put(self, key: str, body: bytes) -> str:
        """Store an object and give its version."""
        version = hashlib.sha256(key.encode() + body).hexdigest()[:16]
        self.objects[key, version] = body
        return version


@contextmanager
def serving(store: ObjectStore) -> Iterator[ObjectStore]:
    """Serve `store` on a free loopback port."""
    handler = type("Handler", (_Handler,), {"store": store})
    server = _Server(("127.0.0.1", 0), handler)
    store.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A loader that gave up leaves a broken connection behind; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    store: ObjectStore
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.store.connections.add(self.connection)

    def finish(self) -> None:
        self.store.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        version = parse_qs(url.query).get("versionId", [""])[0]
        body = self.store.objects.get((unquote(url.path).removeprefix(f"/{BUCKET}/"), version))
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        self.store.requests.append(self.headers.get("range", ""))
        fault = self.store.misbehave(len(self.store.requests))
        if fault == "late":
            self.store.patience()
        if body is None:
            self._fail(404, "NoSuchKey")
        elif fault in ERRORS:
            self._fail(*ERRORS[fault])
        elif wanted is None or fault == "whole":
            self._answer(200, body, {})
        else:
            self._give(body, int(wanted[1]), min(int(wanted[2]), len(body) - 1), fault)

    def _give(self, body: bytes, first: int, last: int, fault: Fault | None) -> None:
        part = body[first : last + 1]
        if fault == "corrupt":
            middle = len(part) // 2
            part = part[:middle] + bytes([part[middle] ^ 0x40]) + part[middle + 1 :]
        if fault == "shifted":
            first, last = first + 1, last + 1
        self._answer(206, part, {"Content-Range": f"bytes {first}-{last}/{len(body)}"}, fault)

    def _answer(self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None = None) -> None:
        if fault == "garbage":
            self.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
            self._reset()
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault in ("short", "reset", "stall") else body)
        self.wfile.flush()
        self.store.served += len(body)
        if fault == "stall":
            time.sleep(self.store.stall)
        if fault in ("short", "stall"):
            self.close_connection = True
        if fault == "reset":
            self._reset()

    def _reset(self) -> None:
        """Close with RST instead of FIN."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _fail(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code></Error>".encode(), {"Content-Type": "application/xml"})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""
