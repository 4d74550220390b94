"""Pure: the controller's answers as the command line reads them. Fields of a newer controller are no errors."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from deployer.cli.exits import Exit, of
from deployer.model.duration import Duration
from deployer.model.problem import Problem
from deployer.model.status import Status
from deployer.model.text import printable, said_by


def _lines(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


Text = Annotated[str, AfterValidator(printable)]
Lines = Annotated[tuple[Text, ...], BeforeValidator(_lines)]
Moment = Annotated[datetime, AfterValidator(_in_utc)]


class Shown(BaseModel):
    """A value of an answer: frozen, and unknown fields are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ShownEntry(Shown):
    """Something that happened to a release."""

    at: Moment
    what: Text
    by: Text = ""
    """The claimed sender of the command that did it."""


class ShownRollback(Shown):
    """A rollback by command of a release that was live."""

    at: Moment
    reason: Text
    by: Text = ""
    """The claimed sender of the command."""


class ShownRelease(Shown):
    """A release's record."""

    release_id: str
    release: Text
    status: Text
    reason: Text = ""
    version: str | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Text, ...] = ()
    traceback: tuple[Text, ...] = ()
    stages: tuple[int, ...] = ()
    bakes: tuple[Duration, ...] = ()
    staged_at: Moment | None = None
    weight: int = 0
    verdict: Text = ""
    step: Text = ""
    step_at: Moment | None = None
    ended_at: Moment | None = None
    rolled_back: ShownRollback | None = None
    timeline: tuple[ShownEntry, ...] = ()

    @property
    def ended(self) -> bool:
        """True if it has its ending."""
        return any(known.final for known in Status if known == self.status)

    @property
    def exit_status(self) -> Exit:
        """The exit status for where it stands; a live release that a command rolled back was rolled back."""
        return Exit.REFUSED if self.rolled_back else of(self.status)

    @property
    def title(self) -> str:
        """Its name with its version."""
        return f"{self.release} (version {self.version})" if self.version else self.release

    @property
    def why(self) -> str:
        """In a line how it ended."""
        return f"{self.title} {self.status}" + (f": {self.because}" if self.because else "")

    @property
    def because(self) -> str:
        """The reason of its end, and the claimed sender of the command that ended it."""
        if self.rolled_back:
            return f"by command: {self.rolled_back.reason}{said_by(self.rolled_back.by)}"
        senders = [entry.by for entry in self.timeline if entry.at == self.ended_at]
        return self.reason + said_by(next(filter(None, senders), ""))


class ShownVersion(Shown):
    """A version that has traffic."""

    version: str
    share: int
    release: Text
    dropped: Moment | None = None
    bundle: Text = "none"


class Situation(Shown):
    """The state of one application: the answer to `status`."""

    application: Text
    traffic: tuple[ShownVersion, ...] = ()
    paused: bool = False
    under_way: tuple[ShownRelease, ...] = ()
    ended: ShownRelease | None = None
    notes: Lines = ()
    """Other remarks."""

    def release(self, release_id: str) -> ShownRelease | None:
        """Return a release that is under way, or the newest drop that ended, by its id."""
        known = (*self.under_way, *filter(None, [self.ended]))
        return next((one for one in known if one.release_id == release_id), None)


class ShownAnswer(Shown):
    """The fields of every answer."""

    answer: Lines = ()
    report: Lines = ()
    warning: Lines = ()
    problems: tuple[Problem, ...] = ()
    releases: tuple[ShownRelease, ...] = ()

    @property
    def exit_status(self) -> Exit:
        """REFUSED for a refusal."""
        return Exit.REFUSED if self.problems else Exit.LIVE


type Document = dict[str, Any]
"""An answer as it came, for `--output json`."""
