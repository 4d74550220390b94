"""Pure: a sample of a version's health, and the verdict on it."""

from enum import StrEnum

from deployer.model.value import Value


class Health(StrEnum):
    """The four results of a check of a version's health."""

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
        """Invocations without an error; at least 0, because CloudWatch may count an error before its invocation."""
        return max(0, self.invocations - self.errors)

    @property
    def error_rate(self) -> float:
        """Percent of the invocations that ended in an error."""
        return 100 * self.errors / self.invocations if self.invocations else 0.0


class Unread(Value):
    """A question that CloudWatch did not answer, or answered in part."""

    reason: str


class Durations(Value):
    """Durations of calls, in milliseconds."""

    slow: int
    """Number of slow calls of the new version that would exceed chance."""
    canary: float
    """The duration in milliseconds that so many calls of the new version reached."""
    stable: float
    """95 % of the stable version's calls took this long, or less."""


class Alarm(Value):
    """A CloudWatch alarm that watches the application."""

    name: str
    state: str
    """OK, ALARM, INSUFFICIENT_DATA, or MISSING when there is no such alarm."""


class Verdict(Value):
    """The verdict of one check, with its reason."""

    health: Health
    reason: str

    def __str__(self) -> str:
        return f"{self.health}: {self.reason}"


class Sample(Value):
    """Everything that one check measured."""

    canary: Traffic | Unread
    stable: Traffic | Unread
    alarms: tuple[Alarm, ...] | Unread
    error: str | None = None
    """The most common error of the failed calls, or where their log is; None when it was not read."""
    durations: Durations | Unread | None = None
    """None when durations are not judged, or when there are too few calls."""
