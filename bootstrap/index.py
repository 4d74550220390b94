"""Pure: the index of a bundle, written by the deployer and read at every cold start.

A bundle is a tar stream cut into independent zstd frames (RFC 8878), followed by one skippable frame that holds this
index, compressed. `tar --zstd -xf` reads the same bytes and ignores the skippable frame.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

SCHEMA = 3
SKIPPABLE = 0x184D2A5D
"""Magic number of our skippable frame, RFC 8878 section 3.1.2 allows 0x184D2A50 to 0x184D2A5F."""
SKIPPABLE_HEADER = 8
"""Bytes before the content of a skippable frame: magic number and length, four bytes each, little-endian."""


class Slice(NamedTuple):
    """A run of bytes: `length` bytes at `offset` of the raw frame belong at `position` of each of `files`.

    Several files share a slice when they are identical.
    """

    offset: int
    length: int
    position: int
    files: list[int]


class Frame(NamedTuple):
    """One zstd frame: its compressed and raw sizes in bytes, the digest of its compressed bytes, what it holds."""

    compressed: int
    raw: int
    sha256: str
    columns: list[list[Any]]
    """The slices by columns: offsets, lengths, positions, files."""

    @property
    def slices(self) -> Iterable[Slice]:
        """Return the runs of bytes in the frame, first one first."""
        return map(Slice._make, zip(*self.columns, strict=True))


def columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Return a table by columns; a table without rows has no columns."""
    return [list(column) for column in zip(*rows, strict=True)]


class File(NamedTuple):
    """A regular file; `mode` holds permission bits only, `size` is in bytes."""

    path: str
    mode: int
    size: int


class Index(NamedTuple):
    """Everything the loader needs to know about a bundle. Directories come parents first."""

    directories: list[str]
    links: list[tuple[str, str]]
    files: list[File]
    frames: list[Frame]
    first: int
    """Number of leading files that must be in place before the import; the others may arrive while it runs."""

    def encode(self) -> bytes:
        """Return the JSON that is compressed into the skippable frame."""
        given = {"schema": SCHEMA, **self._asdict(), "files": columns(self.files)}
        return json.dumps(given, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def parse(cls, text: bytes) -> "Index":
        """Read `encode`'s output; the caller has verified the digest, so the content is trusted."""
        given = json.loads(text)
        if given["schema"] != SCHEMA:
            raise ValueError(f"this bootstrap reads index schema {SCHEMA}, the bundle has {given['schema']}")
        return cls(
            given["directories"],
            [(path, target) for path, target in given["links"]],
            list(map(File._make, zip(*given["files"], strict=True))),
            list(map(Frame._make, given["frames"])),
            given["first"],
        )
