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
    spread: set[int]
    """Leased files of several frames."""
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
    part_of = [number for number, part in enumerate(parts) for _ in part.frames]
    shares = Shares({}, set(), set(), part_of)
    first = index.first if demand else len(index.files)
    for frame, file, length, _ in _slices(index):
        size = index.files[file].size
        if part_of[frame] in known or (demand and not size):
            continue
        if file < first:
            shares.awaited.add(part_of[frame])
            continue
        shares.missing.setdefault(file, set()).add(frame)
        if length < size:
            shares.spread.add(file)
    return shares


def create_empty(index: Index, root: int) -> None:
    """Create the files that have no bytes to wait for."""
    for file in index.files:
        if not file.size:
            os.close(os.open(file.path, lease.CREATE, file.mode, dir_fd=root))


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


def restore_heads(index: Index, shares: Shares, heads: int, root: int) -> None:
    """Put right the first bytes of files of several frames whose first frame a killed load has placed.

    They lie in the file, or in `heads` if that load leased the file. Now they must lie where this load looks for them.
    """
    for frame, file, length, position in _slices(index):
        missing = shares.missing.get(file, set())
        if position or length == index.files[file].size or frame in missing:
            continue
        _restore_head(index.files[file], file, heads, root, leased=bool(missing))


def _restore_head(file: File, number: int, heads: int, root: int, *, leased: bool) -> None:
    try:
        target = os.open(file.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=root)
    except FileNotFoundError:
        return
    head = os.pread(target, lease.HEAD, 0)
    absent = head == lease.ABSENT[: len(head)]
    if leased and not absent:
        lease.keep_head(heads, number, 0, memoryview(head))
    elif absent and not leased:
        lease.place_head(heads, number, target)
    os.close(target)


def _slices(index: Index) -> Iterator[tuple[int, int, int, int]]:
    """Return of every slice of every file: frame, file, length, position."""
    for number, frame in enumerate(index.frames):
        for _, length, position, files in zip(*frame.columns, strict=True):
            for file in files:
                yield number, file, length, position
