"""Pure: which ranges of a bundle are asked for, in which order."""

from typing import NamedTuple

from ..index import Frame, Index

FIRST = 1 << 19
"""Bytes of the first few parts: short, so that unpacking starts soon."""
USUAL = 2 << 20
LAST = 1 << 20
"""Bytes of the last parts: short, so that all workers finish together."""
OPENING, CLOSING = 4, 8 << 20


class Part(NamedTuple):
    """Adjacent frames, fetched by one ranged GET."""

    offset: int
    size: int
    first: int
    """Number of the first frame."""
    frames: list[Frame]


def plan(index: Index) -> list[Part]:
    """Group the frames into parts."""
    total = sum(frame.compressed for frame in index.frames)
    parts: list[Part] = []
    offset, size, group = 0, 0, list[Frame]()
    for number, frame in enumerate(index.frames):
        if group and size + frame.compressed > _limit(len(parts), total - offset):
            parts.append(Part(offset, size, number - len(group), group))
            offset, size, group = offset + size, 0, []
        group.append(frame)
        size += frame.compressed
    return [*parts, Part(offset, size, len(index.frames) - len(group), group)]


def _limit(number: int, remaining: int) -> int:
    if number < OPENING:
        return FIRST
    return LAST if remaining < CLOSING else USUAL
