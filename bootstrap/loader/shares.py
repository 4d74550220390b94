"""The files that are held by leases until they have arrived, and the parts that must precede the import."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..index import File, Index
from . import lease
from .parts import Part

HELD = 860
"""Files that one process holds; it has 1,024 descriptors (AWS Lambda developer guide, "Quotas")."""


class Shares(NamedTuple):
    """The missing parts and files, by number."""

    missing: dict[int, set[int]]
    """The frames that each leased file waits for."""
    begun: set[int]
    """Files of several frames whose first one is in place."""
    awaited: set[int]
    """Parts that hold a file which is not leased."""
    part_of: list[int]
    """The part of each frame."""

    def parts_of(self, file: int) -> set[int]:
        """Return the missing parts of a leased file."""
        return {self.part_of[frame] for frame in self.missing[file]}

    def holders(self, files: list[File]) -> list[dict[int, File]]:
        """Return the leased files, some for each holder."""
        numbers = list(self.missing)
        groups = (numbers[first : first + HELD] for first in range(0, len(numbers), HELD))
        return [{number: files[number] for number in group} for group in groups]


def share(index: Index, parts: list[Part], known: set[int], *, demand: bool) -> Shares:
    """Lease what may come late, if anything may: with `demand`, all but the first files of the index."""
    part_of = _part_of(parts)
    shares = Shares({}, {file for _, file in _begun(index, part_of, known)}, set(), part_of)
    for number, frame in enumerate(index.frames):
        if part_of[number] in known or not frame.columns:
            continue
        files = [file for some in frame.columns[3] for file in some]
        leased = [file for file in files if file >= index.first and index.files[file].size] if demand else []
        for file in leased:
            shares.missing.setdefault(file, set()).add(number)
        if len(leased) < len(files):
            shares.awaited.add(part_of[number])
    return shares


def without_heads(index: Index, parts: list[Part], known: set[int], root: int) -> set[int]:
    """Return the known parts that are to be loaded again: a killed holder took the first bytes of a file with it."""
    return {part for part, file in _begun(index, _part_of(parts), known) if _is_hidden(index.files[file].path, root)}


def cut_tails(index: Index, root: int) -> None:
    """Cut files that an application made longer, before a load that goes on writes their bytes."""
    for file in index.files:
        try:
            target = os.open(file.path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=root)
        except OSError:
            continue
        if os.fstat(target).st_size > file.size:
            os.ftruncate(target, file.size)
        os.close(target)


def _part_of(parts: list[Part]) -> list[int]:
    return [number for number, part in enumerate(parts) for _ in part.frames]


def _begun(index: Index, part_of: list[int], known: set[int]) -> Iterator[tuple[int, int]]:
    """Return the files of several frames whose first one is in a known part, with that part."""
    for part, frame in zip(part_of, index.frames, strict=True):
        for _, length, position, files in frame.slices if part in known else ():
            if not position and length < index.files[files[0]].size:
                yield from ((part, file) for file in files)


def _is_hidden(path: str, root: int) -> bool:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=root)
    except OSError:
        return False
    head = os.pread(file, lease.HEAD, 0)
    os.close(file)
    return head == lease.ABSENT
