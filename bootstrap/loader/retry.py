"""The repetition of failed requests: how often, after which pauses, and its end."""

import os
import time

from ..failures import LoadError, Retry, SlowDown, describe
from ..pointer import Pointer

ATTEMPTS = 6
BACKOFF = 0.05
"""Seconds before the second attempt; tripled each time, with up to half as much again by chance."""
BUSY, LONGEST = 0.1, 2.0
"""Seconds within which a part is asked for again that S3 was too busy for: doubled each time, up to the second."""


class Request:
    """One part on its way from the queue into files, or the index."""

    def __init__(self, number: int) -> None:
        """Begin with nothing of the part in place."""
        self.number = number
        self.placed = 0
        """Number of frames in place: what they hold may have been let go, and is not written again."""
        self.not_before = 0.0
        """Monotonic time from which on it may be sent."""
        self._attempts = 0
        self._slowed = 0
        """Number of times that S3 was too busy for it: none of them is an attempt."""

    def postpone(self, pointer: Pointer, error: OSError) -> None:
        """Let it be sent again later; raises LoadError after the last attempt."""
        if isinstance(error, SlowDown):
            self._slowed += 1
            wait = pause(self._slowed)
        else:
            self._attempts += 1
            if self._attempts == ATTEMPTS:
                raise _gave_up(pointer, error) from None
            wait = backoff(self._attempts)
        self.not_before = time.monotonic() + wait


def backoff(attempts: int) -> float:
    """Return the seconds to wait before attempt number `attempts` + 1."""
    return float(BACKOFF * 3 ** (attempts - 1) * (1 + os.urandom(1)[0] / 510))


def pause(slowed: int) -> float:
    """Return the seconds to wait after S3 was too busy for so many times, anywhere within a bound that grows.

    A thousand environments that start at once would otherwise come again at once. There is no last time: the function's
    own time-out ends a load that S3 has no time for.
    """
    chance = int.from_bytes(os.urandom(2)) / 0xFFFF
    return float(min(LONGEST, BUSY * 2 ** min(slowed, 10)) * chance)


def _gave_up(pointer: Pointer, error: OSError) -> LoadError:
    """Return the failure after the last attempt, with what to look at."""
    if isinstance(error, Retry) and "digest" in str(error):
        remedy = "the object is not what was published: redeploy the release"
        return LoadError("WrongBytes", f"{describe(pointer)}: {error}; {remedy}")
    remedy = "see that the function reaches S3 (in a VPC: a gateway endpoint) and try again"
    return LoadError("Unreachable", f"{describe(pointer)}: gave up after {ATTEMPTS} attempts: {error}; {remedy}")
