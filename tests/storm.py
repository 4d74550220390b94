"""Many cold starts at once against S3's rate for one prefix, in virtual time: the loader's own parts and pauses.

All environments of a release read one key, so S3's splitting of prefixes does not help them: one token bucket of 5,500
GET requests per second stands for S3. Source: Amazon S3 user guide, best practices design patterns.
"""

import heapq
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from unittest.mock import patch

from bootstrap.index import Frame, Index
from bootstrap.loader import retry
from bootstrap.loader.parts import plan

RATE = 5_500
"""GET requests per second and prefix."""
SECOND_BANDWIDTH = 78e6
"""Bytes per second and environment. Source: Lambda developer guide, quotas: 625 Mbit/s."""
CONNECTIONS = 4
ANSWER = 0.03
"""Seconds until an answer begins."""
SET_A = (148, 132_000_000)
"""Frames and bytes of the largest set of docs/performance.md."""


@dataclass
class Bucket:
    """A token bucket that is full at first."""

    tokens: float = RATE
    at: float = 0.0

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        self.tokens = min(RATE, self.tokens + (now - self.at) * RATE)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Storm:
    """The outcome of many cold starts."""

    ready: list[float] = field(default_factory=list)
    """Seconds from each environment's start until its load was complete."""
    failed: int = 0
    requests: int = 0
    refused: int = 0


@dataclass
class _Environment:
    began: float
    queue: list[int]
    on_the_way: int = 0
    failed: bool = False


type Pause = Callable[[int], float | None]
"""Seconds to wait after so many refusals; None to give up."""


def parts(frames: int = SET_A[0], size: int = SET_A[1]) -> list[int]:
    """Return the sizes of the parts that a bundle is loaded in."""
    index = Index([], [], [], [Frame(size // frames, size // frames, "", []) for _ in range(frames)], 0)
    return [part.size for part in plan(index)]


def storm(starts: Sequence[float], sizes: Sequence[int], pause: Pause = retry.pause, seed: int = 1) -> Storm:
    """Let environments start at these times and load these parts after their index."""
    chance, outcome, bucket = random.Random(seed), Storm(), Bucket()  # noqa: S311 - no secrets
    events = [(at, number, _Environment(at, list(sizes)), 0, 0) for number, at in enumerate(starts)]
    heapq.heapify(events)
    number = len(events)
    with patch.object(os, "urandom", chance.randbytes):
        while events:
            now, _, environment, size, refusals = heapq.heappop(events)
            if environment.failed:
                continue
            outcome.requests += 1
            if not bucket.take(now):
                outcome.refused += 1
                wait = pause(refusals + 1)
                if wait is None:
                    environment.failed, outcome.failed = True, outcome.failed + 1
                    continue
                number += 1
                heapq.heappush(events, (now + ANSWER + wait, number, environment, size, refusals + 1))
                continue
            over = now + ANSWER + size * CONNECTIONS / SECOND_BANDWIDTH
            environment.on_the_way -= bool(size)
            for _ in range(CONNECTIONS if not size else 1):
                if environment.queue:
                    number += 1
                    environment.on_the_way += 1
                    heapq.heappush(events, (over, number, environment, environment.queue.pop(0), 0))
            if not environment.queue and not environment.on_the_way:
                outcome.ready.append(over - environment.began)
    return outcome


def evenly(count: int, seconds: float) -> list[float]:
    """Return the times of so many starts, evenly in so many seconds."""
    return [number * seconds / count for number in range(count)]


def main() -> None:
    """Print the table of docs/performance.md."""
    sizes = parts()
    print(f"{len(sizes)} parts and the index")
    for count, seconds in ((56, 0), (150, 0), (300, 0), (1_000, 0), (1_000, 10), (2_000, 10), (3_000, 60), (4_000, 60)):
        outcome = storm(evenly(count, seconds), sizes)
        refused = outcome.refused / outcome.requests
        print(f"| {count} in {seconds} s | {outcome.failed} | {max(outcome.ready):.1f} s | {refused:.0%} |")


if __name__ == "__main__":
    main()
