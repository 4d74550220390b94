"""Pure: which ranges of a bundle are asked for, in which order."""

import os
from typing import NamedTuple

from ..index import Frame, Index

FIRST = 1 << 19
"""Bytes of the first few parts: short, so that unpacking starts soon."""
USUAL = 2 << 20
LARGER = ((96 << 20, 8 << 20), (16 << 20, 4 << 20))
"""From so many bytes on, parts of so many: late bytes need not come in small pieces. S3 serves 5,500 requests per
second and prefix. A loading process has a buffer of a part's size for each connection and one to spare."""
ROOM = 1_024
"""MB of memory from which on there is room for six buffers of the largest size beside an application."""
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
    memory = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or ROOM)
    larger = LARGER if memory >= ROOM else ()
    parts: list[Part] = []
    offset, size, group = 0, 0, list[Frame]()
    for number, frame in enumerate(index.frames):
        if group and size + frame.compressed > _limit(len(parts), offset, total, larger):
            parts.append(Part(offset, size, number - len(group), group))
            offset, size, group = offset + size, 0, []
        group.append(frame)
        size += frame.compressed
    return [*parts, Part(offset, size, len(index.frames) - len(group), group)]


def _limit(number: int, offset: int, total: int, larger: tuple[tuple[int, int], ...]) -> int:
    if number < OPENING:
        return FIRST
    if total - offset < CLOSING:
        return LAST
    return next((size for start, size in larger if offset >= start), USUAL)
