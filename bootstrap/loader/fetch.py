"""Ranged GETs of one object version over kept-alive connections, never blocking while a body arrives.

The bytes of an answer are taken a piece at a time, each into a buffer of the caller's.

The answer must be 206 with exactly the range that was asked for: a stand-in that ignores `Range` fails loudly.
"""

import re
import select
import socket
import ssl
import time
from typing import NamedTuple

from ..failures import REMEDIES, LoadError, Retry, SlowDown, describe
from ..pointer import Pointer
from .sigv4 import Signer, Target

TIMEOUT = 5.0
"""Seconds without a byte before a connection counts as stalled."""
LONGEST_HEADER = 1 << 16
OK, PARTIAL, REDIRECT, CLIENT_ERROR, SERVER_ERROR, BUSY = 200, 206, 300, 400, 500, 503
NOT_YET = (BlockingIOError, ssl.SSLWantReadError)


class Endpoint(NamedTuple):
    """The address of S3 for one bucket."""

    host: str
    port: int
    context: ssl.SSLContext | None
    target: Target


class Connection:
    """One kept-alive connection with one range under way at a time."""

    def __init__(self, endpoint: Endpoint, signer: Signer, pointer: Pointer) -> None:
        self._endpoint = endpoint
        self._signer = signer
        self._pointer = pointer
        self._socket: socket.socket | None = None
        self._unread = bytearray()
        """Bytes of the header that have arrived, and those of the body that came with them."""
        self._answered = False
        self._length = 0
        self._range = ""
        self._filled = 0
        self.active = 0.0
        """Monotonic time of the last byte, for the caller to see a stall."""

    def clone(self) -> "Connection":
        """Return a fresh connection to the same place."""
        return Connection(self._endpoint, self._signer, self._pointer)

    def fileno(self) -> int:
        """Let a poll watch this connection while a request is under way."""
        if self._socket is None:
            raise Retry("not connected")
        return self._socket.fileno()

    def open(self) -> socket.socket:
        """Connect, unless it is done; `ask` does so too. Raises OSError."""
        if self._socket is None:
            self._socket = self._connect()
        return self._socket

    def ask(self, offset: int, length: int) -> None:
        """Send the GET for `length` bytes at `offset`; `fill` then takes them. Raises OSError."""
        connected = self.open()
        self._range, self._length = f"bytes {offset}-{offset + length - 1}/", length
        self._answered, self._filled = False, 0
        self._unread.clear()
        connected.settimeout(TIMEOUT)
        connected.sendall(self._request(offset, length))
        connected.settimeout(0)
        self.active = time.monotonic()

    def fill(self, buffer: memoryview) -> bool:
        """Take what has arrived of the range's next bytes; True when they fill `buffer`, else it comes again.

        Raises OSError when it is worth asking again, LoadError when it is not.
        """
        try:
            while not self._answered:
                self._read_head()
            self._take_unread(buffer)
            while self._filled < len(buffer):
                self._filled += self._receive(buffer[self._filled :])
        except NOT_YET:
            return False
        self._filled = 0
        return True

    def wait(self, buffer: memoryview) -> None:
        """Return when `buffer` is full; raises as `fill` does."""
        while not self.fill(buffer):
            if not select.select([self], [], [], TIMEOUT)[0]:
                raise Retry(f"no byte came for {TIMEOUT:g} s")

    def close(self) -> None:
        """Close the connection; the next `ask` opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        plain = socket.create_connection((self._endpoint.host, self._endpoint.port), timeout=TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._endpoint.context is None:
            return plain
        return self._endpoint.context.wrap_socket(plain, server_hostname=self._endpoint.host)

    def _request(self, offset: int, length: int) -> bytes:
        target = self._endpoint.target
        extra = {"range": f"bytes={offset}-{offset + length - 1}"}
        if self._pointer.owner:
            extra["x-amz-expected-bucket-owner"] = self._pointer.owner
        headers = self._signer.headers(target, extra, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"GET {target.path}?{target.query_string} HTTP/1.1\r\n{lines}\r\n".encode()

    def _receive(self, view: memoryview) -> int:
        if self._socket is None:
            raise Retry("not connected")
        count = self._socket.recv_into(view)
        if not count:
            raise Retry("the connection was closed in the middle of an answer")
        self.active = time.monotonic()
        return count

    def _read_head(self) -> None:
        chunk = bytearray(4096)
        count = self._receive(memoryview(chunk))
        self._unread += chunk[:count]
        end = self._unread.find(b"\r\n\r\n")
        if end < 0:
            if len(self._unread) > LONGEST_HEADER:
                raise Retry("the answer's header does not end")
            return
        head = self._unread[:end].decode("latin-1")
        del self._unread[: end + 4]
        self._check(head, bytes(self._unread))
        self._answered = True

    def _take_unread(self, buffer: memoryview) -> None:
        some = self._unread[: len(buffer) - self._filled]
        buffer[self._filled : self._filled + len(some)] = some
        self._filled += len(some)
        del self._unread[: len(some)]

    def _check(self, head: str, body: bytes) -> None:
        """Accept a 206 with exactly our range; otherwise raise."""
        line, *lines = head.split("\r\n")
        words = line.split(" ", 2)
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        if status != PARTIAL:
            self._refuse(status, headers, body)
        if headers.get("content-length") != str(self._length) or len(body) > self._length:
            raise Retry(f"{headers.get('content-length')} bytes were announced, {self._length} asked for")
        if not headers.get("content-range", "").startswith(self._range):
            raise self._error("WrongRange", f"asked for {self._range!r}, got {headers.get('content-range')!r}")

    def _refuse(self, status: int, headers: dict[str, str], body: bytes) -> None:
        if status == BUSY:
            raise SlowDown(f"S3 answered {status}")
        if status >= SERVER_ERROR or status in (0, 408, 429):
            raise Retry(f"S3 answered {status}")
        if OK <= status < REDIRECT:
            remedy = "this endpoint ignores Range; use one that honours it (see AWS_ENDPOINT_URL_S3)"
            raise self._error("NotRanged", f"got {status} instead of 206 for a ranged GET; {remedy}")
        code = self._error_code(status, headers, body)
        if code == "SlowDown":
            raise SlowDown(f"S3 answered {status} {code}")
        if code == "RequestTimeout":
            raise Retry(f"S3 answered {status} {code}")
        kind, remedy = REMEDIES.get(code, ("Refused", f"S3 answered {status} {code}; see the S3 error reference"))
        raise self._error(kind, remedy)

    def _error_code(self, status: int, headers: dict[str, str], body: bytes) -> str:
        """Read the rest of a short error body for its code; guess by status where there is none."""
        length = int(headers["content-length"]) if headers.get("content-length", "").isdigit() else 4096
        try:
            if self._socket is not None:
                self._socket.settimeout(1)
                while len(body) < min(length, LONGEST_HEADER) and b"</Code>" not in body:
                    more = self._socket.recv(4096)
                    if not more:
                        break
                    body += more
        except OSError:
            pass  # the status alone must do
        found = re.search(rb"<Code>(\w+)</Code>", body)
        guess = {403: "AccessDenied", 404: "NoSuchKey"}.get(status, "")
        return found[1].decode() if found else guess

    def _error(self, kind: str, message: str) -> LoadError:
        return LoadError(kind, f"{describe(self._pointer)}: {message}")
