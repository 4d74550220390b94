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
    frames: list[Frame]
    hot: bool


def plan(index: Index) -> list[Part]:
    """Group the frames into parts; none holds both hot and cold frames."""
    total = sum(frame.compressed for frame in index.frames)
    parts: list[Part] = []
    offset, group = 0, list[Frame]()
    for number, frame in enumerate(index.frames):
        size = sum(one.compressed for one in group)
        if group and (number == index.hot or size + frame.compressed > _limit(len(parts), total - offset)):
            parts.append(Part(offset, size, group, number <= index.hot))
            offset, group = offset + size, []
        group.append(frame)
    return [*parts, Part(offset, total - offset, group, index.hot == len(index.frames))]


def covering(parts: list[Part]) -> list[int]:
    """Give, for every number of leading frames, the number of leading parts that hold them."""
    return [0, *(number for number, part in enumerate(parts, 1) for _ in part.frames)]


def _limit(number: int, remaining: int) -> int:
    if number < OPENING:
        return FIRST
    return LAST if remaining < CLOSING else USUAL
