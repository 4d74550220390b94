"""Pure: the overview of an application, from which `status` answers in the same time for any number of releases."""

from datetime import datetime, timedelta

from deployer.model.drop import VersionDescription
from deployer.model.record import Record
from deployer.model.status import Status
from deployer.model.text import Sentence
from deployer.model.value import Value

UNKNOWN = "_unknown"
"""Stands for the application of drops whose key names an unknown one."""
_IGNORED = 5
"""Ignored drops that are kept, newest last."""
_UNDER_WAY = 500
_WENT_LIVE = 1_000
LONGEST_TURN = timedelta(minutes=30)
"""After it the turn is taken from a release: its rollout may have died, or hang."""


class IgnoredDrop(Value):
    """An object in the releases bucket that is not a release: its key, and the change that would make it one."""

    at: datetime
    key: Sentence
    reason: Sentence


class Turn(Value):
    """The release of an application that is being prepared: inspected, bundled, published and smoke-tested."""

    release_id: str
    label: str
    since: datetime


class Overview(Value):
    """One object per application, written by compare-and-swap. It decides nothing about traffic.

    A drop is added before its record is written, and removed after its end is written. So `under_way` may hold a
    release that has ended or never began, but never lacks one that is under way.
    """

    under_way: tuple[str, ...] = ()
    """Release ids, oldest first."""
    newest: str | None = None
    """The release id of the drop that came last."""
    went_live: tuple[str, ...] = ()
    """Release ids of those that had all traffic, oldest first."""
    ignored: tuple[IgnoredDrop, ...] = ()
    latest: VersionDescription | None = None
    """The newest drop, by S3's time, among those that asked for their turn; None once it ended otherwise than live."""
    turn: Turn | None = None

    @classmethod
    def of(cls, records: list[Record]) -> "Overview":
        """Return the overview of an application from its records, after it was lost."""
        oldest_first = sorted(records, key=lambda record: record.timeline[0].at)
        return cls(
            under_way=tuple(record.release_id for record in oldest_first if not record.status.final),
            newest=oldest_first[-1].release_id if oldest_first else None,
            went_live=tuple(record.release_id for record in oldest_first if record.status is Status.LIVE),
        )

    def begun(self, release_id: str) -> "Overview":
        """Return the overview with a new drop; a known one changes nothing."""
        if release_id in self.under_way:
            return self
        return self._with(under_way=(*self.under_way, release_id)[-_UNDER_WAY:], newest=release_id)

    def ended(self, release_id: str, status: Status) -> "Overview":
        """Return the overview after a release ended."""
        ended = self.without_turn(release_id).model_copy(
            update={"under_way": tuple(one for one in self.under_way if one != release_id)}
        )
        if status is not Status.LIVE:
            refused = self.latest is not None and self.latest.release_id == release_id
            return ended.model_copy(update={"latest": None}) if refused else ended
        known = (release_id,) if release_id not in self.went_live else ()
        return ended.model_copy(update={"went_live": (*self.went_live, *known)[-_WENT_LIVE:]})

    def asked(self, mine: VersionDescription, at: datetime, *, again: bool) -> "Overview":
        """Return the overview after a release asked for its turn: unchanged when a newer drop asked for its own.

        Of drops of one second neither is newer: the one that asked last is, so that one which asks again has lost.
        """
        if self.latest and self.latest.release_id != mine.release_id and (again or self.latest.newer_than(mine)):
            return self
        taken = self.turn and at - self.turn.since <= LONGEST_TURN
        turn = self.turn if taken else Turn(release_id=mine.release_id, label=mine.label, since=at)
        return self._with(latest=mine, turn=turn)

    def without_turn(self, release_id: str) -> "Overview":
        """Return the overview after a release was prepared: another may be."""
        return self._with(turn=None) if self.turn and self.turn.release_id == release_id else self

    def with_ignored(self, drop: IgnoredDrop) -> "Overview":
        """Return the overview with a drop that was ignored; one under a known key and reason changes nothing."""
        if any((one.key, one.reason) == (drop.key, drop.reason) for one in self.ignored):
            return self
        return self._with(ignored=(*self.ignored, drop)[-_IGNORED:])

    def _with(self, **found: object) -> "Overview":
        return Overview.model_validate({**dict(self), **found})
