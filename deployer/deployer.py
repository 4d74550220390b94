"""The AWS clients and settings of all steps and commands, and their two kinds of writes: the record and the alias."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from deployer.aws import Aws
from deployer.aws.errors import ContendedError, RefusedError, refusals
from deployer.decisions import precedence
from deployer.model.alias import Alias, AliasState
from deployer.model.drop import Drop
from deployer.model.record import Record
from deployer.model.release import Release
from deployer.model.status import Ending, Status
from deployer.settings import Settings

_TRIES = 3


@dataclass(frozen=True)
class Deployer:
    """AWS, the settings from the environment, and the time."""

    aws: Aws
    settings: Settings
    now: Callable[[], datetime]
    by: str = ""
    """The claimed sender of the present command; empty when there is none."""

    def function(self, release: Release) -> str:
        """Name of the function that the release is for."""
        return self.settings.function(release.drop.application)

    def begin_record(self, drop: Drop, what: str = "received") -> Record:
        """Announce a drop and write its record; return that record, or the existing one."""
        if there := self.aws.records.read(drop.application, drop.release_id):
            return there
        self.aws.records.change_overview(drop.application, lambda overview: overview.begun(drop.release_id))
        record = Record.received(drop, self.now(), what).with_sender(self.by)
        self.aws.publisher.announce(record)
        return self.aws.records.begin(record)

    def record_of(self, release: Release) -> Record:
        """Return a new record with all that is known of the release, for use after the old one was deleted."""
        return Record.received(release.drop, self.now()).model_copy(update=release.facts)

    def record_progress(self, release: Release, what: str, **found: object) -> Ending | None:
        """Write a moment into the release's record, before its effect; return the ending if the record has one."""
        at = self.now()
        return self.change_record(self.record_of(release), lambda before: before.with_entry(at, what, **found)).ending

    def record_step(self, release: Release, step: str) -> None:
        """Record the step that begins, in words that follow "is", so that `status` shows it while it runs."""
        at = self.now()
        self.change_record(self.record_of(release), lambda record: record.in_step(at, step))

    def change_record(self, known: Record, change: Callable[[Record], Record]) -> Record:
        """Announce a change of a record, then write it; if the write is lost, a repetition announces it again.

        `known` is the record as the caller has it; a record that was deleted in between is restored from it.
        """
        record = self.aws.records.change(known, self._announced(change))
        if record.status.final:
            release_id, status = record.release_id, record.status
            self.aws.records.change_overview(record.application, lambda one: one.ended(release_id, status))
        return record

    def _announced(self, change: Callable[[Record], Record]) -> Callable[[Record], Record]:
        def announce(before: Record) -> Record:
            after = change(before).with_sender(self.by, before)
            if after.timeline != before.timeline:
                self.aws.publisher.announce(after)
            return after

        return announce

    def mark_rolled_back(self, record: Record) -> None:
        """Remember that a release's bytes were rolled back: they need `force` from now on."""
        application, bundles = record.application, self.aws.bundles
        digest = record.archive_sha256 or self.found_again(record).archive_sha256
        if digest and bundles.rolled_back_as(application, digest) != record.release_id:
            bundles.mark_rolled_back(application, digest, record.release_id)

    def found_again(self, record: Record) -> Record:
        """Return a restored record, completed with the description of its published version if there is one."""
        if record.version and record.archive_sha256:
            return record
        versions = self.aws.functions.versions(self.settings.function(record.application))
        fits = [one for one in versions if one.description and one.description.release_id == record.release_id]
        found = {"version": fits[-1].version, "archive_sha256": fits[-1].digest} if fits else {}
        return record.completed(record.model_copy(update=found))

    def write_alias(self, application: str, believed: Alias, wanted: Alias) -> Alias:
        """Write the alias unless it was moved since it was read; return its state afterwards.

        A: rollback or abort moves the alias, and dies before it updates the record.  B: another release takes traffic,
        and its description replaces A's, the only trace of the command. So B updates A's record first.
        """
        if believed.recorded and believed.recorded.by_command and wanted.recorded != believed.recorded:
            self._record_ending_of(application, believed.recorded)
        return self.aws.functions.write_alias(self.settings.function(application), believed, wanted)

    def _record_ending_of(self, application: str, state: AliasState) -> None:
        ending = precedence.ending_from_state(state)
        record = self.aws.records.read(application, state.release)
        if record is None or ending is None:
            return
        if ending.status is Status.ROLLED_BACK:
            self.mark_rolled_back(record)
        if not record.status.final:
            at, nobody = self.now(), replace(self, by="")  # the command that ended it was another one
            nobody.change_record(record, lambda one: one.ended(at, ending))

    def record_ending(self, record: Record, ending: Ending, what: str, *, move: str = "") -> Record:
        """Record an ending and return the record; if it has one already, add only the moment.

        An archive that was rolled back is marked first. If the process dies in between, the repetition finds the mark.
        """
        if ending.status is Status.ROLLED_BACK:
            self.mark_rolled_back(record)
        at = self.now()
        return self.change_record(record, lambda one: one.with_move(at, what, move).ended(at, ending))

    def provision(self, application: str, version: str, wanted: int) -> str | None:
        """Request provisioned concurrency for a version that has traffic; return a warning when AWS refuses."""
        try:
            with refusals():
                ready = self.aws.functions.provision(self.settings.function(application), version, wanted)
        except RefusedError as error:
            return f"version {version} has no provisioned concurrency: {error}"
        return f"version {version} has no provisioned concurrency: {ready.reason}" if ready.state == "FAILED" else None

    def unprovision(self, application: str, version: str, alias: Alias | None = None) -> str | None:
        """End the provisioned concurrency of a version without traffic; return a warning when AWS refuses.

        A version that the alias names keeps it, because it would start cold without it. `alias`: as it was just read.
        """
        function = self.settings.function(application)
        try:
            with refusals():
                if not (alias or self.aws.functions.alias(function)).names(version):
                    self.aws.functions.unprovision(function, version)
        except RefusedError as error:
            return f"version {version} keeps its provisioned concurrency, which costs money: {error}"
        return None

    def recorded_ending(self, release: Release) -> Ending | None:
        """Return the ending of a release, if its record has one."""
        record = self.aws.records.read(release.drop.application, release.id)
        return record.ending if record else None

    def change_alias(self, application: str, decide: Callable[[Alias], Alias | Ending]) -> Alias | Ending:
        """Read the alias, decide, and move it; decide again when it was moved in between.

        Raises ContendedError when others move it each time between read and write; the step is retried later.
        """
        for _ in range(_TRIES):
            alias = self.aws.functions.alias(self.settings.function(application))
            wanted = decide(alias)
            if isinstance(wanted, Ending):
                return wanted
            after = self.write_alias(application, alias, wanted)
            if after.same_as(wanted):
                return after
        raise ContendedError(f"the alias of {application} was moved by others {_TRIES} times while it was written")
