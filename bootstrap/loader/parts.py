"""Pure: which ranges of a bundle are asked for, in which order."""

from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

from ..index import Frame, Index

FIRST = 1 << 19
"""Bytes of the first few parts: short, so that unpacking starts soon."""
USUAL = 2 << 20
LARGER = ((96 << 20, 8 << 20), (16 << 20, 4 << 20))
"""From so many bytes on, parts of so many: late bytes need not come in small pieces. S3 serves 5,500 requests per
second and prefix."""
OPENING = 4
CLOSING = 8 << 20
"""The last bytes of a bundle and of a very large file: the parts are short, so that all connections finish together."""
VERY_LARGE = 64 << 20
"""Bytes of a file in a bundle, from which on its last parts are short: an import may wait for the whole of it."""


class Part(NamedTuple):
    """Adjacent frames, fetched by one ranged GET."""

    offset: int
    size: int
    first: int
    """Number of the first frame."""
    frames: list[Frame]


def plan(index: Index) -> list[Part]:
    """Group the frames into parts."""
    closing = _closing(index.frames)
    parts: list[Part] = []
    offset, size, group = 0, 0, list[Frame]()
    for number, frame in enumerate(index.frames):
        last = bool({number, number - len(group)} & closing)
        if group and size + frame.compressed > _limit(len(parts), offset, last=last):
            parts.append(Part(offset, size, number - len(group), group))
            offset, size, group = offset + size, 0, []
        group.append(frame)
        size += frame.compressed
    return [*parts, Part(offset, size, len(index.frames) - len(group), group)]


def _limit(number: int, offset: int, *, last: bool) -> int:
    if number < OPENING:
        return FIRST
    return USUAL if last else next((size for start, size in LARGER if offset >= start), USUAL)


def _closing(frames: list[Frame]) -> set[int]:
    """Return the frames that are among the last of the bundle or of a very large file."""
    closing = _last(range(len(frames)), frames)
    for file, run in groupby(range(len(frames)), lambda number: _only_file(frames[number])):
        numbers = list(run)
        if file is not None and sum(frames[number].compressed for number in numbers) >= VERY_LARGE:
            closing |= _last(numbers, frames)
    return closing


def _last(numbers: Sequence[int], frames: list[Frame]) -> set[int]:
    rest = accumulate(frames[number].compressed for number in reversed(numbers))
    return {number for number, size in zip(reversed(numbers), rest, strict=True) if size <= CLOSING}


def _only_file(frame: Frame) -> int | None:
    """Return the file that a whole frame is a piece of."""
    files = frame.columns[3] if frame.columns else []
    return files[0][0] if len(files) == 1 else None
