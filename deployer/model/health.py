"""Pure: what is seen of a version's health, and what was decided about it."""

from enum import StrEnum

from deployer.model.value import Value


class Health(StrEnum):
    """The four ends of a look at a version's health."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    INCONCLUSIVE = "inconclusive"
    UNMEASURED = "unmeasured"


class Traffic(Value):
    """The calls, errors and durations of a version in a window of time, as CloudWatch counted them."""

    invocations: int = 0
    errors: int = 0

    @property
    def successes(self) -> int:
        """Invocations that did not end in an error; CloudWatch may know of an error before it knows of the call."""
        return max(0, self.invocations - self.errors)

    @property
    def error_rate(self) -> float:
        """Percent of the invocations that ended in an error."""
        return 100 * self.errors / self.invocations if self.invocations else 0.0


class Unread(Value):
    """An answer that CloudWatch did not give, or not wholly."""

    reason: str


class Durations(Value):
    """Durations of calls, in milliseconds."""

    slow: int
    """Calls of the new version, its slowest, that would be more than chance explains."""
    canary: float
    """Each of those took this long, or longer."""
    stable: float
    """95 % of the stable version's calls took this long, or less."""


class Alarm(Value):
    """A CloudWatch alarm that watches the application."""

    name: str
    state: str
    """OK, ALARM, INSUFFICIENT_DATA, or MISSING when there is no such alarm."""


class Verdict(Value):
    """The verdict of one look, with its reason."""

    health: Health
    reason: str

    def __str__(self) -> str:
        return f"{self.health}: {self.reason}"


class Sample(Value):
    """Everything one look saw."""

    canary: Traffic | Unread
    stable: Traffic | Unread
    alarms: tuple[Alarm, ...] | Unread
    error: str | None = None
    """The most common error of the failed calls, or where their log is; None when nobody asked."""
    durations: Durations | Unread | None = None
    """None when they are not judged, or cannot be with so few calls."""
