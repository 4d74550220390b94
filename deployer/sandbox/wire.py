"""Messages between host and guest over a socket: a kind, a length, the bytes. No message is ever executed."""

import socket
import struct
import time
from enum import IntEnum

_HEADER = struct.Struct("<BI")
RANGE = struct.Struct("<QI")
"""The argument of a READ: offset and length."""
STORED = struct.Struct("<QI32s")
"""The argument of a COPY: offset, length and SHA-256 of bytes in the earlier bundle."""
DONE = struct.Struct("<QQ")
"""The argument of a PROGRESS: raw bytes done, and all raw bytes."""
LARGEST = 16 << 20
"""Bytes of one message."""


class Kind(IntEnum):
    """The kind of a message; the host's are JOB and BYTES."""

    READY = 1
    JOB = 2
    READ = 3
    """A range of the archive."""
    NEXT = 4
    """The next bytes of the archive; an empty answer is its end."""
    BYTES = 5
    WRITE = 6
    """Bytes of the bundle."""
    ANSWER = 7
    CRASH = 8
    """An unexpected exception, as text."""
    EARLIER = 9
    """Index and recipe of the earlier bundle; an empty answer is that there is none."""
    COPY = 10
    """Bytes of the earlier bundle are the next ones of this bundle."""
    PROGRESS = 11


OUT_OF_MEMORY = 71
"""A guest's exit status when it cannot allocate memory, not even for a message."""


class ClosedError(Exception):
    """The other process has ended, or sent something that is not a message."""


class LateError(Exception):
    """The deadline is over."""


class Channel:
    """One end of the socket. Raises ClosedError when the other end is gone, LateError after the deadline."""

    def __init__(self, end: socket.socket, seconds: float | None = None) -> None:
        self._end = end
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def send(self, kind: Kind, data: bytes | memoryview = b"") -> None:
        """Send one message."""
        self._wait()
        try:
            self._end.sendall(_HEADER.pack(kind, len(data)))
            if data:  # without data, the other end may have read the header, answered and ended
                self._end.sendall(data)
        except TimeoutError:
            raise LateError from None
        except ConnectionError:
            raise ClosedError from None

    def receive(self) -> tuple[Kind, bytes]:
        """Return the next message."""
        kind, length = _HEADER.unpack(self._exactly(_HEADER.size))
        if kind not in Kind or length > LARGEST:
            raise ClosedError
        return Kind(kind), self._exactly(length)

    def ask(self, kind: Kind, data: bytes = b"") -> bytes:
        """Send a message and return the bytes that answer it."""
        self.send(kind, data)
        return self.receive()[1]

    def _exactly(self, length: int) -> bytes:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            self._wait()
            try:
                count = self._end.recv_into(view)
            except TimeoutError:
                raise LateError from None
            except ConnectionError:
                raise ClosedError from None
            if not count:
                raise ClosedError
            view = view[count:]
        return bytes(data)

    def _wait(self) -> None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise LateError
            self._end.settimeout(left)
