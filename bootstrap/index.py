"""Pure: the index of a bundle, written by the deployer and read at every cold start.

A bundle is a tar stream cut into independent zstd frames (RFC 8878), followed by one skippable frame that holds this
index, compressed. `tar --zstd -xf` reads the same bytes and ignores the skippable frame.
"""

import json
from typing import NamedTuple

SCHEMA = 1
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
    slices: list[Slice]


class File(NamedTuple):
    """A regular file; `mode` holds permission bits only, `size` is in bytes."""

    path: str
    mode: int
    size: int


class Index(NamedTuple):
    """Everything the loader needs to know about a bundle.

    Directories come parents first. The first `begin` frames must be in place before the application's import begins;
    from then on `needs` says, by dotted name, how many leading frames a module and what it opens at its import are in.
    The first `hot` frames hold every file that a start is known to touch. A module that is not in `needs` needs all.
    """

    directories: list[str]
    links: list[tuple[str, str]]
    files: list[File]
    frames: list[Frame]
    begin: int
    hot: int
    needs: dict[str, int]

    def encode(self) -> bytes:
        """Give the JSON that is compressed into the skippable frame."""
        return json.dumps({"schema": SCHEMA, **self._asdict()}, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def parse(cls, text: bytes) -> "Index":
        """Read `encode`'s output; the caller has verified the digest, so the content is trusted."""
        given = json.loads(text)
        if given["schema"] != SCHEMA:
            raise ValueError(f"this bootstrap reads index schema {SCHEMA}, the bundle has {given['schema']}")
        return cls(
            given["directories"],
            [(path, target) for path, target in given["links"]],
            [File(*file) for file in given["files"]],
            [Frame(c, r, digest, [Slice(*s) for s in slices]) for c, r, digest, slices in given["frames"]],
            given["begin"],
            given["hot"],
            given["needs"],
        )
