"""Virtual time: it passes when a call is made, and jumps to when the next thing is due."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass
class Clock:
    """The time of one world, and numbers that never come twice in it."""

    now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    drawn: int = 0

    def number(self) -> int:
        """Draw a number."""
        self.drawn += 1
        return self.drawn
