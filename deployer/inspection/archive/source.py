"""The source of an archive's bytes: a local file, or one version of an S3 object."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

PIECE = 256 * 1024
"""Bytes read at a time: so many that Python's cost per piece is small, so few that they fit the processor's cache."""


class Source(Protocol):
    """An archive's bytes, the same at every reading; the suffix of `name` is the format it claims to have."""

    @property
    def size(self) -> int:
        """Bytes of the whole archive."""

    @property
    def name(self) -> str:
        """The last component of its path or key."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset`, fewer only where the archive ends."""

    def stream(self) -> Iterator[bytes]:
        """Read all bytes in order."""


class FileSource:
    """An archive in the file system."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.name
        self.size = path.stat().st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """Read a range."""
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def stream(self) -> Iterator[bytes]:
        """Read everything in order."""
        with self._path.open("rb", buffering=0) as file:
            while piece := file.read(PIECE):
                yield piece


class HashedStream:
    """The pieces of a stream, digested while they are read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._sha256 = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._sha256.update(piece)
            self.size += len(piece)
            yield piece

    def hexdigest(self) -> str:
        """SHA-256 of all that passed."""
        return self._sha256.hexdigest()


class TruncatedError(Exception):
    """The stream ended before the requested bytes; the reader words the problem."""


class Cursor:
    """Reads exact lengths from a stream of pieces of any size, and knows the position."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")
        self.position = 0

    def _next(self, most: int) -> memoryview:
        """Return at least one byte and at most `most`; nothing at the end of the stream."""
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return memoryview(b"")
            self._piece = memoryview(piece)
        part, self._piece = self._piece[:most], self._piece[most:]
        self.position += len(part)
        return part

    def some(self, length: int) -> bytes:
        """Return `length` bytes, fewer only where the stream ends."""
        part = self._next(length) if length else memoryview(b"")
        if len(part) == length:
            return bytes(part)
        parts = [part]
        while part and (length := length - len(part)):
            part = self._next(length)
            parts.append(part)
        return b"".join(parts)

    def take(self, length: int) -> bytes:
        """Return exactly `length` bytes; raise TruncatedError if there are fewer."""
        data = self.some(length)
        if len(data) < length:
            raise TruncatedError
        return data

    def pieces(self, length: int) -> Iterator[memoryview]:
        """Pass on exactly `length` bytes without joining them; raise TruncatedError if there are fewer."""
        while length:
            part = self._next(length)
            if not part:
                raise TruncatedError
            length -= len(part)
            yield part

    def skip(self, length: int) -> None:
        """Drop exactly `length` bytes."""
        for _ in self.pieces(length):
            pass

    def rest(self) -> Iterator[memoryview]:
        """Pass on everything that is left."""
        while part := self._next(PIECE):
            yield part
