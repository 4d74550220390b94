"""Pure: the recipe at the end of a bundle. By it the next release knows the frames that it may copy.

The bootstrap reads the index and never this. It lies behind the index in a skippable frame of its own, so that it is
pinned and deleted with the bundle that it describes.
"""

import json
import struct
from collections.abc import Sequence
from typing import NamedTuple, Self

from backports import zstd

from bootstrap.index import SCHEMA, SKIPPABLE_HEADER, File, Index
from deployer.model.entry import Entry

MAGIC = 0x184D2A5E
"""Of the recipe's skippable frame."""
FORM = 1
"""Raise it when equal keys change their meaning: the compiler's bytecode, a tar header, a level's parameters."""
LEVEL = 12


class Stored(NamedTuple):
    """A frame of an earlier bundle: where it lies, in bytes, its digest and the level that it was compressed at."""

    offset: int
    length: int
    sha256: str
    level: int


class Earlier(NamedTuple):
    """The content of an earlier bundle, by its sources."""

    frames: dict[str, Stored]
    """By the key of its content."""
    digests: dict[str, str | None]
    """SHA-256 of each file, by its path."""
    bytecode: dict[str, Entry]
    """The bytecode that we made, by its path."""

    def bytecode_of(self, source: Entry, path: str) -> Entry | None:
        """Return the bytecode that was made of the same source; None when it has to be made."""
        known = source.sha256 is not None and self.digests.get(source.path) == source.sha256
        return self.bytecode.get(path) if known else None

    @classmethod
    def parse(cls, tail: bytes, index_size: int) -> Self | None:
        """Read index and recipe from a bundle's end; None for one that another version of the deployer made."""
        index_text = zstd.decompress(tail[:index_size])
        recipe = json.loads(zstd.decompress(tail[index_size + SKIPPABLE_HEADER :]))
        if (recipe["form"], recipe["schema"]) != (FORM, SCHEMA):
            return None
        index = Index.parse(index_text)
        digests = {file.path: digest for file, digest in zip(index.files, recipe["files"], strict=True)}
        made = [index.files[number] for number in recipe["bytecode"]]
        return cls(_frames(index, recipe["frames"]), digests, {file.path: _entry(file, digests) for file in made})


def encode(files: Sequence[Entry], bytecode: frozenset[str], frames: Sequence[tuple[str | None, int]]) -> bytes:
    """Return the skippable frame for files in bundle order, and for each frame its key and level."""
    recipe = {
        "form": FORM,
        "schema": SCHEMA,
        "files": [entry.sha256 for entry in files],
        "bytecode": [number for number, entry in enumerate(files) if entry.path in bytecode],
        "frames": frames,
    }
    content = zstd.compress(json.dumps(recipe, separators=(",", ":")).encode(), LEVEL)
    return struct.pack("<II", MAGIC, len(content)) + content


def _frames(index: Index, keys: list[tuple[str | None, int]]) -> dict[str, Stored]:
    frames, offset = {}, 0
    for frame, (key, level) in zip(index.frames, keys, strict=True):
        if key is not None:
            frames[key] = Stored(offset, frame.compressed, frame.sha256, level)
        offset += frame.compressed
    return frames


def _entry(file: File, digests: dict[str, str | None]) -> Entry:
    return Entry(path=file.path, kind="file", mode=file.mode, size=file.size, sha256=digests[file.path])
