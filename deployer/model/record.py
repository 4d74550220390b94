"""Pure: the record of a release, for `status` and `history`. It decides nothing about traffic."""

import operator
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from deployer.model.drop import Drop
from deployer.model.duration import Duration
from deployer.model.problem import Problems, Warnings
from deployer.model.status import Ending, Status
from deployer.model.text import Sentence
from deployer.model.value import Value

_FACTS = (
    *("key", "version_id", "archive_sha256", "version", "provisioned_concurrency"),
    *("warnings", "alarms_before", "stages", "bakes"),
)
"""The facts of a release, which never change once they are recorded."""
_TIMELINE = 200
"""Moments kept; a plan of many stages keeps its newest."""


class TimelineEntry(Value):
    """Something that happened to a release."""

    at: datetime
    what: Sentence
    move: Annotated[str, Field(exclude_if=operator.not_)] = ""
    """The alias's RevisionId after a command: two commands with the same text differ in it."""
    by: Annotated[Sentence, Field(exclude_if=operator.not_)] = ""
    """The claimed name of the person who sent the command; empty for the deployer's own steps."""


class RolledBack(Value):
    """A rollback by command of a release that was live. The release's ending stays `live`."""

    at: datetime
    reason: Sentence
    by: Annotated[Sentence, Field(exclude_if=operator.not_)] = ""
    """The claimed sender of the command."""


class Record(Value):
    """One release, from its arrival to its one end."""

    release_id: str
    application: str
    release: str
    """The release's name, safe to show."""
    key: str = ""
    """Empty in a record that a command had to restore, until the rollout writes into it."""
    version_id: str = ""
    status: Status = Status.RECEIVED
    reason: Sentence = ""
    problems: Problems = ()
    warnings: Warnings = ()
    archive_sha256: str = ""
    version: str | None = None
    alarms_before: tuple[str, ...] = ()
    """Alarms that were in ALARM before the release began: they do not end it."""
    provisioned_concurrency: int = 0
    stages: tuple[int, ...] = ()
    """The weights of the plan, in percent."""
    bakes: tuple[Duration, ...] = ()
    """Bake time of each stage."""
    staged_at: datetime | None = None
    """Time at which the present stage began."""
    weight: int = 0
    verdict: str = ""
    """Verdict of the last look."""
    traceback: tuple[Sentence, ...] = ()
    """The stack trace of a smoke test that failed, innermost frame last."""
    step: Sentence = ""
    """The step that runs now, in words that follow "is"."""
    step_at: datetime | None = None
    seconds: dict[str, float] = Field(default_factory=dict)
    """Duration of each step that has ended; `smoke_start` is the part of the smoke test that AWS took."""
    ended_at: datetime | None = None
    rolled_back: RolledBack | None = None
    timeline: tuple[TimelineEntry, ...] = ()

    @property
    def ending(self) -> Ending | None:
        """The release's ending; None while it is under way."""
        return Ending(status=self.status, reason=self.reason) if self.status.final else None

    @property
    def ended_by(self) -> str:
        """The claimed sender of the command that ended the release; empty when none did."""
        last = f"{self.status}: {self.reason}"
        return next((entry.by for entry in self.timeline if entry.what == last), "")

    @classmethod
    def received(cls, drop: Drop, at: datetime, what: str = "received") -> "Record":
        """Begin the record of a drop."""
        record = cls(
            release_id=drop.release_id,
            application=drop.application,
            release=drop.label,
            key=drop.key,
            version_id=drop.version_id,
        )
        return record.with_entry(at, what)

    def with_entry(self, at: datetime, what: str, **found: object) -> "Record":
        """Add a moment and new facts; after the release has ended, only moments are added.

        A moment that the record has is not added again, so that a repeated step leaves one.
        """
        return self._with(TimelineEntry(at=at, what=what), found)

    def with_move(self, at: datetime, what: str, revision: str) -> "Record":
        """Add the moment of a command, which is identified by its move of the alias and not by its text."""
        return self._with(TimelineEntry(at=at, what=what, move=revision), {})

    def _with(self, entry: TimelineEntry, found: Mapping[str, object]) -> "Record":
        known = {} if self.status.final else found
        if "status" in known:
            known = {"step": "", "step_at": None, **known}
        there = any((one.move or one.what) == (entry.move or entry.what) for one in self.timeline)
        timeline = self.timeline if there else (*self.timeline, entry)[-_TIMELINE:]
        return Record.model_validate({**dict(self), **known, "timeline": timeline})

    def with_sender(self, name: str, before: "Record | None" = None) -> "Record":
        """Return the record with the claimed sender of the command that added what is new in it."""
        if not name:
            return self
        known = before.timeline if before else ()
        timeline = tuple(one if one in known else one.model_copy(update={"by": name}) for one in self.timeline)
        back, was = self.rolled_back, before.rolled_back if before else None
        signed = back.model_copy(update={"by": name}) if back and back != was else back
        return self.model_copy(update={"timeline": timeline, "rolled_back": signed})

    def completed(self, known: "Record") -> "Record":
        """Return the record, completed from another one of the release: this one may have been restored."""
        lost = {name: found for name in _FACTS if not getattr(self, name) and (found := getattr(known, name))}
        if not known.seconds.items() <= self.seconds.items():
            lost["seconds"] = {**self.seconds, **known.seconds}
        return self.model_copy(update=lost) if lost else self

    def with_verdict(self, verdict: str, weight: int) -> "Record":
        """Return the record with the last check's verdict and share of the traffic; checks are not in the timeline."""
        return self if self.status.final else self.model_copy(update={"verdict": verdict, "weight": weight})

    def ended(self, at: datetime, ending: Ending) -> "Record":
        """Write down the end; a release that has one keeps it."""
        if self.status.final:
            return self._after_a_rollback(at, ending)
        ended: dict[str, object] = {"status": ending.status, "reason": ending.reason, "problems": ending.problems}
        return self.with_entry(at, f"{ending.status}: {ending.reason}", **ended, ended_at=at, step="", step_at=None)

    def _after_a_rollback(self, at: datetime, ending: Ending) -> "Record":
        """Record that a live release was rolled back; a rollback that is repeated changes nothing."""
        if self.rolled_back or (self.status, ending.status) != (Status.LIVE, Status.ROLLED_BACK):
            return self
        return self.model_copy(update={"rolled_back": RolledBack(at=at, reason=ending.reason)})

    def live_again(self, at: datetime, what: str) -> "Record":
        """Record that a release that was rolled back has all traffic again."""
        if self.rolled_back is None:
            return self
        return self.with_entry(at, what).model_copy(update={"rolled_back": None})

    def in_step(self, at: datetime, step: str) -> "Record":
        """Record the step that runs, and its progress. A repeated step keeps the time of its first start."""
        if self.status.final or self.step == step:
            return self
        goes_on = self.step.partition(" (")[0] == step.partition(" (")[0]
        return self.model_copy(update={"step": step, "step_at": self.step_at if goes_on else at})
