"""The time, and how fast that of the deployer goes: on the local AWS minutes of baking pass in seconds."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SPEED = "DROPSHIFT_CLOCK_SPEED"
"""Set by the local AWS only."""


@dataclass(frozen=True)
class Clock:
    """Reads the time."""

    speed: float = 1.0
    """Factor by which bakes pass faster than configured."""

    @classmethod
    def of_environment(cls) -> "Clock":
        """Return the clock of the AWS that the environment names."""
        return cls(float(os.environ.get(SPEED, "1")))

    def now(self) -> datetime:
        """Return the time of this machine."""
        return datetime.now(UTC)

    def until_baked(self, began: datetime, bake: timedelta) -> timedelta:
        """Return how long a bake still takes, as time passes here; negative once it is over."""
        return bake / self.speed - (self.now() - began)
