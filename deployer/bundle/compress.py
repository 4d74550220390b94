"""Compress frames on several threads, in order, as strongly as the time budget allows."""

import hashlib
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from backports import zstd

from deployer.bundle.frames import LARGEST, RawFrame
from deployer.bundle.plan import BuildOptions

SPEEDS = {19: 2.8, 16: 4.9, 12: 34.0, 9: 64.0, 6: 113.0, 3: 350.0, 1: 540.0}
"""Level to raw MB/s of one core, measured on pandas, scipy, scikit-learn and pyarrow; corrected while a build runs.

They shrink to 0.224, 0.237, 0.247, 0.250, 0.257, 0.279 and 0.319 of their size. With six vCPUs, 5 GB take 25 s at
level 12 and 300 s at level 19, twice that where a core does half as much: well inside the 15 minutes of a Lambda.
"""
INCOMPRESSIBLE = 0.97
"""A frame that the fastest level cannot bring below this share is not worth a stronger one."""


class Compressed(NamedTuple):
    """One zstd frame and the digest of its bytes."""

    data: bytes
    sha256: str


class Pace:
    """Chooses the level: the strongest that finishes the remaining bytes in the remaining time."""

    def __init__(self, size: int, options: BuildOptions) -> None:
        self.remaining = size
        self.threads = options.threads
        self.deadline = time.monotonic() + options.budget.total_seconds()
        self.speeds = dict(SPEEDS)

    def level(self) -> int:
        """Return the level for the next frame."""
        left = max(self.deadline - time.monotonic(), 0.001)
        needed = self.remaining / 1e6 / self.threads / left
        return next((level for level, speed in self.speeds.items() if speed >= needed), min(self.speeds))

    def learn(self, level: int, size: int, seconds: float) -> None:
        """Blend the measured speed of one frame of `size` raw bytes into what is expected of its level."""
        self.remaining -= size
        if size > (1 << 18):
            self.speeds[level] = 0.8 * self.speeds[level] + 0.2 * (size / 1e6 / max(seconds, 1e-6))


def compress_in_order(
    frames: Iterable[RawFrame], size: int, options: BuildOptions
) -> Iterator[tuple[RawFrame, Compressed]]:
    """Return every frame with its compressed bytes; at most two frames a thread are held in memory.

    `size` is the number of raw bytes to come, an estimate is enough.
    """
    pace = Pace(size, options)
    waiting: deque[tuple[RawFrame, Future[Compressed]]] = deque()
    with ThreadPoolExecutor(options.threads) as pool:
        for frame in frames:
            waiting.append((frame, pool.submit(_compress, frame.data, pace)))
            if len(waiting) >= 2 * options.threads:
                yield _first(waiting)
        while waiting:
            yield _first(waiting)


def compress(data: bytes, level: int) -> bytes:
    """Compress one frame, looking back over all of it: by itself zstd looks at half of it, or less at low levels."""
    window = (LARGEST - 1).bit_length()
    parameter = zstd.CompressionParameter
    return zstd.compress(data, options={parameter.compression_level: level, parameter.window_log: window})


def _first(waiting: deque[tuple[RawFrame, Future[Compressed]]]) -> tuple[RawFrame, Compressed]:
    frame, future = waiting.popleft()
    return frame, future.result()


def _compress(data: bytes, pace: Pace) -> Compressed:
    fastest, level, started = min(pace.speeds), pace.level(), time.thread_time()
    packed = zstd.compress(data, fastest)
    if len(packed) >= INCOMPRESSIBLE * len(data):
        level = fastest
    elif level != fastest:
        packed = compress(data, level)
    pace.learn(level, len(data), time.thread_time() - started)
    return Compressed(packed, hashlib.sha256(packed).hexdigest())
