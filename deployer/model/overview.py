"""Pure: the overview of an application, from which `status` answers in the same time for any number of releases."""

from datetime import datetime

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


class IgnoredDrop(Value):
    """An object in the releases bucket that is not a release: its key, and the change that would make it one."""

    at: datetime
    key: Sentence
    reason: Sentence


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
        under_way = tuple(one for one in self.under_way if one != release_id)
        if status is not Status.LIVE or release_id in self.went_live:
            return self._with(under_way=under_way)
        return self._with(under_way=under_way, went_live=(*self.went_live, release_id)[-_WENT_LIVE:])

    def with_ignored(self, drop: IgnoredDrop) -> "Overview":
        """Return the overview with a drop that was ignored; one under a known key and reason changes nothing."""
        if any((one.key, one.reason) == (drop.key, drop.reason) for one in self.ignored):
            return self
        return self._with(ignored=(*self.ignored, drop)[-_IGNORED:])

    def _with(self, **found: object) -> "Overview":
        return Overview.model_validate({**dict(self), **found})
