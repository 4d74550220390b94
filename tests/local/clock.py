"""A clock for the durable runner that shortens waits.

Ten minutes of bake become seconds, while everything that really happens (a download, a smoke test) takes its time.
"""

import datetime as dt
import time


class ScaledClock:
    """Durable time passes `speed` times as fast as the wall clock."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = dt.datetime.now(dt.UTC)
        self._monotonic = time.monotonic()

    def now(self) -> dt.datetime:
        """Return the durable time."""
        return self._began + dt.timedelta(seconds=(time.monotonic() - self._monotonic) * self._speed)

    def arm(self, wake: dt.datetime) -> float:
        """Return the real seconds until the durable time `wake`."""
        return max(0.0, (wake - self.now()).total_seconds() / self._speed)
