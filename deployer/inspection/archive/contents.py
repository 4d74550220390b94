"""Pure: the contents of an inspected archive, and the limits of reading one."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

from deployer.model.entry import Entry
from deployer.model.inspection import Format
from deployer.model.problem import LISTED, Problems
from deployer.model.value import Value

_HEADERS = 256
"""Bytes that the fixed parts of a zip's two headers and of its data descriptor take at most, for each entry."""


class Limits(Value):
    """Limits of reading an archive, after which it is refused. Bytes, unless said otherwise."""

    entries: int = 50_000
    """Files, directories and links; their paths may imply as many directories again."""
    unpacked: int = 10 * 2**30
    """All bytes that come out: files, headers, records and padding; hard links count as the copies they become."""
    record: int = 2**20
    """One pax header or GNU long name."""
    directory: int = 32 * 2**20
    """All names and link targets together, or a zip's central directory; all pax records may have twice as much."""
    frames: int = 100_000
    """Number of zstd frames, skippable ones included."""
    problems: int = LISTED
    """The most problems that are kept; the rest are counted."""

    @property
    def archive(self) -> int:
        """Return the bytes of the largest acceptable archive: a zip with every file stored, and its headers."""
        return self.unpacked + 3 * self.directory + _HEADERS * self.entries


class Contents(Value):
    """An accepted archive: its entries, and the digest of the bytes that were read."""

    entries: tuple[Entry, ...]
    """Sorted by path."""
    sha256: str
    size: int
    unpacked: int
    format: Format


class Refusal(Value):
    """A refused archive, with all the problems that were found."""

    problems: Problems


class Sink(Protocol):
    """The receiver of the files' bytes while an archive is read, in the archive's order.

    An archive can still be refused after all of its files were passed on. A sink's result is valid only when `read`
    has returned `Contents`.
    """

    def begin(self, path: str, size: int) -> None:
        """Start a file; its bytes follow."""

    def write(self, piece: bytes) -> None:
        """Take the next bytes of the present file."""

    def end(self) -> None:
        """Finish the present file; it may be incomplete if the archive is refused."""

    def repeat(self, path: str, earlier: str) -> None:
        """Take a hard link: a file with the bytes of one that was passed on earlier."""


class Sinks:
    """Passes each file on to every sink, and counts and digests its bytes."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def begin(self, path: str, size: int) -> None:
        """Start a file."""
        self._path, self._sha256, self._size = path, hashlib.sha256(), 0
        for sink in self._sinks:
            sink.begin(path, size)

    def write(self, piece: bytes) -> None:
        """Pass on the next bytes."""
        self._size += len(piece)
        self._sha256.update(piece)
        for sink in self._sinks:
            sink.write(piece)

    def end(self, mode: int) -> Entry:
        """Finish the file, and return what it has become."""
        for sink in self._sinks:
            sink.end()
        return Entry(path=self._path, kind="file", mode=mode, size=self._size, sha256=self._sha256.hexdigest())

    def repeat(self, path: str, earlier: str) -> None:
        """Pass on a hard link."""
        for sink in self._sinks:
            sink.repeat(path, earlier)
