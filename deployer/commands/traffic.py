"""The commands of people and alarms that move the alias: at most one write each, conditional on what was read."""

from collections.abc import Callable
from dataclasses import dataclass

from deployer.aws.errors import RefusedError, refusals
from deployer.aws.functions import PublishedVersion
from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import NO_RELEASE, Application, is_called, pointer_of
from deployer.commands.command import Abort, Pause, Promote, ReleaseCommand, Resume, RollBack
from deployer.decisions import logged_error
from deployer.deployer import Deployer
from deployer.model.alias import Alias, Move
from deployer.model.record import Record
from deployer.model.status import Ending, Status

_ROLLED_BACK = 'already rolled back: {stable} has all traffic. To go back further, name a release in "to"'
"""For a rollback that is said twice: the second one does not mean the release that did well."""
_FIX_FORWARD = 'drop a fix; once it has its share, send {"action":"promote","full":true}'
_ANOTHER_WEIGHT = 'name one of these, or send "full": true'
_AGAIN = "run status and send the command again"
_BAD_ENDINGS = (Status.ROLLED_BACK, Status.ABORTED, Status.FAILED)


@dataclass(frozen=True)
class TrafficCommands:
    """Moves the alias of one application."""

    app: Application

    @property
    def _deployer(self) -> Deployer:
        return self.app.deployer

    # --- back ----------------------------------------------------------------------------------------------------

    def roll_back(self, command: RollBack) -> Answer:
        """Take the canary away, or give an earlier version all traffic."""
        alias = self.app.alias()
        if moved_on := self._refuse_another_release(alias.canary or alias.stable, command.release):
            return moved_on
        if alias.canary and command.to is None:
            return self._remove_canary(alias, command, Move.ROLL_BACK, Status.ROLLED_BACK)
        target = self._target(alias, command)
        if not isinstance(target, str):
            return target
        return self._unfit(target, force=command.force) or self._roll_back_to(alias, target, command)

    def _target(self, alias: Alias, command: RollBack) -> str | Answer:
        """Find the version to go back to, or say why there is none."""
        if alias.rolled_back and command.to is None and command.release is None:
            return self._nothing_left(alias, command, _ROLLED_BACK.format(stable=self.app.title(alias.stable)))
        target = self.app.version_of(command.to) if command.to else alias.previous
        if target == alias.stable and not alias.canary:
            return self._nothing_left(alias, command, f"{self.app.title(target)} has all traffic")
        if target is None and command.to is None:
            why = 'there is no earlier release to go back to; name one in "to"'
            return self._nothing_left(alias, command, why)
        if target is None:
            return answers.refusal("to", f'"{command.to}"', self.app.known_releases(), "name one of these")
        return target

    def _unfit(self, version: str, *, force: bool) -> Answer | None:
        """Refuse a version that cannot, or should not, serve."""
        published = self.app.published(version)
        if published and published.description and published.environment_error:
            return None if force else _unchecked(answers.titled(published.description.label, version), published)
        if published is None or published.description is None or pointer_of(published) is None:
            found = f"version {version}, which is not a release: there is nothing to go back to yet"
            return answers.refusal("rollback", found, "a version that the deployer published", _FIX_FORWARD)
        if self.app.bundle_state(published) != "present":
            found = f"{answers.titled(published.description.label, version)}, whose bundle is gone"
            return answers.refusal("to", found, "a version whose bundle exists", "drop the release again")
        record = self.app.record(published.description.release_id)
        if record and not force and self._ended_badly(record):
            found = f"{answers.ending(record)}"
            allowed = "a release that was not rolled back, aborted or failed"
            return answers.refusal("to", found, allowed, 'add "force": true to use it anyway')
        return None

    def _ended_badly(self, record: Record) -> bool:
        """Return whether a release ended badly, or was rolled back after it had been live."""
        if record.status in _BAD_ENDINGS:
            return True
        marked = self._deployer.aws.bundles.rolled_back_as(record.application, record.archive_sha256)
        return marked == record.release_id

    def _roll_back_to(self, alias: Alias, target: str, command: RollBack) -> Answer:
        words = _rollback_words(self.app.title(alias.stable), self.app.title(target))
        if command.dry_run:
            return answers.done(words, dry_run=True)
        left = self.app.record_of(alias.stable, live=True)
        after = self._move(alias, alias.roll_back_to(left.release_id if left else "none", target))
        if not isinstance(after, Alias):
            return after
        reason = command.reason or words
        warnings = self._record_rollback(left, after, words, reason)
        if alias.canary:
            canary = str(alias.canary)
            warnings += self._attempt(lambda: self._record_left(self.app.record_of(canary), after, words, reason))
        return answers.done(words.replace("roll", "rolled", 1), version=target, **warned(warnings))

    def _record_rollback(self, left: Record | None, after: Alias, words: str, reason: str) -> list[str]:
        """Write down what a rollback left, now that all traffic is where it should be; return what AWS refused."""
        warnings = self._attempt(lambda: self._record_left(left, after, words, reason))
        return warnings + self._attempt(lambda: self._provision(after.stable))

    def _record_left(self, record: Record | None, after: Alias, words: str, reason: str) -> list[str]:
        if record is None:
            return []
        ending = Ending(status=Status.ROLLED_BACK, reason=reason)
        what = words if reason == words else f"{words} ({reason})"
        self._deployer.record_ending(record, ending, what, move=after.revision)
        return unprovision(self.app, record)

    def _attempt(self, act: Callable[[], list[str]]) -> list[str]:
        """Do what follows the one write, which stays even if AWS refuses these calls; return warnings."""
        try:
            with refusals():
                return act()
        except RefusedError as error:
            return [f"the traffic was moved, but not everything after it was done: {error}; send the command again"]

    def _nothing_left(self, alias: Alias, command: RollBack, why: str) -> Answer:
        """Move nothing, but record a rollback that died after its one write: the alias's description has it.

        A: rollback moves the alias, and dies.  A, said again: nothing is left to move, but no record has it yet.
        """
        record = self._rolled_back_before(alias)
        if record and not command.dry_run and (record.status is Status.LIVE or not record.status.final):
            words = _rollback_words(self.app.title(record.version), self.app.title(alias.stable))
            warnings = self._record_rollback(record, alias, words, command.reason or words)
            return {**answers.nothing_to_do(why), **warned(warnings)}
        return answers.nothing_to_do(why)

    def _rolled_back_before(self, alias: Alias) -> Record | None:
        """Return the release that the alias records as rolled back; a deleted record is restored."""
        if alias.recorded is None or not alias.rolled_back:
            return None
        release_id = alias.recorded.release
        version = None
        if (record := self.app.record(release_id)) is None:
            version = self.app.version_of(release_id)
        return self.app.record_of(version, live=True) if version else record

    def _provision(self, version: str) -> list[str]:
        """Ask for the provisioned concurrency that a version was released with; its traffic does not wait for it."""
        record = self.app.record_of(version)
        if record and record.rolled_back:
            at = self._deployer.now()
            self._deployer.change_record(record, lambda one: one.live_again(at, "has all traffic again, by command"))
        if record is None or not record.provisioned_concurrency:
            return []
        most = self._deployer.settings.max_provisioned_concurrency
        if record.provisioned_concurrency > most:
            found = f"version {version} was released with provisioned concurrency of {record.provisioned_concurrency}"
            return note_warning(self.app, record, f"{found}, and the stack allows {most} now: it starts without")
        warning = self._deployer.provision(self.app.name, version, record.provisioned_concurrency)
        return note_warning(self.app, record, warning)

    def abort(self, command: Abort) -> Answer:
        """End the release that is under way, wherever it is on its way."""
        alias = self.app.alias()
        if alias.canary:
            moved_on = self._refuse_another_release(alias.canary, command.release)
            return moved_on or self._remove_canary(alias, command, Move.ABORT, Status.ABORTED)
        behind = [one for one in self.app.under_way() if one.version != alias.stable]  # else it has all traffic already
        waiting = [one for one in behind if command.release in (None, one.release, one.release_id)]
        if not waiting:
            return answers.nothing_to_do("no release is under way")
        if command.dry_run:
            return answers.done(f"abort {waiting[0].release}", dry_run=True)
        return self._abort_before_traffic(alias, waiting[0], command)

    def _abort_before_traffic(self, alias: Alias, record: Record, command: Abort) -> Answer:
        """End a release before it has traffic.

        A: the rollout reads the alias.  B: abort writes the description, which changes the RevisionId.  A: its write is
        refused (412), it reads again and finds the abort. So the abort wins whenever it comes before the write.
        """
        after = self._move(alias, alias.abort_waiting(record.release_id))
        if not isinstance(after, Alias):
            return after
        ending = Ending(status=Status.ABORTED, reason=command.reason or "abort by command")
        warnings = self._attempt(lambda: self._record_removal(record, ending, "abort"))
        return answers.done(f"aborted {record.release} before it had any traffic", **warned(warnings))

    def _remove_canary(self, alias: Alias, command: ReleaseCommand, move: Move, status: Status) -> Answer:
        record = self.app.record_of(str(alias.canary))
        if record is None or not alias.managed:
            found = f"version {alias.canary} with {alias.weight} %, shifted by others"
            return answers.refusal("alias", found, "a release that the deployer is shifting", "move the alias by hand")
        if command.dry_run:
            return answers.done(_removal_words(move, alias), dry_run=True)
        ending = Ending(status=status, reason=command.reason or f"{move} by command")
        return self._remove_canary_and_end(alias, record, move, ending, by_command=True)

    def _remove_canary_and_end(
        self, alias: Alias, record: Record, move: Move, ending: Ending, *, by_command: bool = False
    ) -> Answer:
        after = self._move(alias, alias.remove_canary(record.release_id, move, by_command=by_command))
        if not isinstance(after, Alias):
            return after
        warnings = self._attempt(lambda: self._record_removal(record, ending, _removal_words(move, alias)))
        words = f"all traffic is on {self.app.title(alias.stable)} again"
        return answers.done(words, version=alias.stable, **warned(warnings))

    def _record_removal(self, record: Record, ending: Ending, words: str) -> list[str]:
        self._deployer.record_ending(record, ending, words)
        return unprovision(self.app, record)

    def roll_back_on_alarm(self, alarm: str) -> Answer:
        """Take the canary's traffic away when an alarm that watches it went red, within seconds and with one write.

        The event is a hint: the alarm is read, and one that was red before the release began does not count.
        """
        alias = self.app.alias()
        record = self.app.record_of(alias.canary) if alias.canary and alias.managed else None
        if record is None or record.status.final:
            return answers.nothing_to_do("no release is taking traffic in stages")
        red = self._deployer.aws.metrics.red_alarms(self.app.name, (alarm,)) - set(record.alarms_before)
        if alarm not in red:
            return answers.nothing_to_do(f"{alarm} is not in ALARM, or was before the release began")
        ending = Ending(status=Status.ROLLED_BACK, reason=self._reason_of(alarm, record, str(alias.canary)))
        return self._remove_canary_and_end(alias, record, Move.ROLL_BACK, ending)

    def _reason_of(self, alarm: str, record: Record, version: str) -> str:
        """Return the alarm, and the error of the canary's failed calls if its log has one and can be read at once."""
        function, now = self._deployer.settings.function(self.app.name), self._deployer.now()
        since = record.staged_at or now
        events = self._deployer.aws.logs.events(function, version, since, now, logged_error.TERMS, patience=1)
        error = logged_error.most_common(events)
        return f"alarm {alarm} is in ALARM" + (f"; version {version} failed with {error}" if error else "")

    # --- forth ---------------------------------------------------------------------------------------------------

    def promote(self, command: Promote) -> Answer:
        """Shift the canary to its next stage's share, or to all traffic."""
        alias = self.app.alias()
        if blocked := self._no_canary(alias) or self._refuse_another_release(alias.canary, command.release):
            return blocked
        canary = str(alias.canary)
        record = self.app.record_of(canary)
        title = answers.titled(record.release, canary) if record else ""
        if record is None:
            return answers.refusal("alias", f"version {canary}", "a release's version", "it was shifted by others")
        if not record.stages and not command.full:
            found = "none: the release's record was deleted"
            return answers.refusal("stages", found, "a release whose record has its plan", 'send "full": true, or wait')
        if command.weight and command.weight not in record.stages:
            return answers.refusal("weight", f"{command.weight}", f"one of {list(record.stages)}", _ANOTHER_WEIGHT)
        if command.weight and command.weight <= alias.weight:
            return answers.nothing_to_do(f"{title} has {alias.weight} %")
        higher = [weight for weight in record.stages if weight > alias.weight and weight >= command.weight]
        if command.full or not higher:
            words, wanted = f"promote {title}", alias.promote(record.release_id, canary)
        else:
            words = f"shift {higher[0]} % of the traffic to {title}"
            wanted = alias.shift(record.release_id, canary, higher[0])
        return self._move_by_command(alias, wanted, command, words, record)

    def pause(self, command: Pause | Resume) -> Answer:
        """Stay at the present stage, or go on from it."""
        alias = self.app.alias()
        if blocked := self._no_canary(alias) or self._refuse_another_release(alias.canary, command.release):
            return blocked
        record, words = self.app.record_of(str(alias.canary)), f"{command.action} at {alias.weight} %"
        wanted = alias.pause(paused=command.action == "pause")
        if not alias.managed or alias.paused is not wanted.paused:
            return self._move_by_command(alias, wanted, command, words, record)
        found = "it is paused" if wanted.paused else "it is not paused"
        unwritten = alias.same_as(wanted) and not command.dry_run  # the last move was this command, which may have died
        warnings = self._record_command(record, alias, command, words) if unwritten else []
        return {**answers.nothing_to_do(found), **warned(warnings)}

    # --- what the moves share --------------------------------------------------------------------------------------

    def _move_by_command(
        self, alias: Alias, wanted: Alias, command: ReleaseCommand, words: str, record: Record | None
    ) -> Answer:
        if not alias.managed:
            return answers.refusal("alias", "moved by others", "as the deployer left it", "move the alias by hand")
        if command.dry_run:
            return answers.done(words, dry_run=True)
        after = self._move(alias, wanted)
        if not isinstance(after, Alias):
            return after
        return answers.done(f"done: {words}", **warned(self._record_command(record, after, command, words)))

    def _record_command(self, record: Record | None, after: Alias, command: ReleaseCommand, words: str) -> list[str]:
        """Record a command, once for its move; return AWS's refusal, if any."""
        if record is None:
            return []
        at, what = self._deployer.now(), f"by command: {words}" + (f" ({command.reason})" if command.reason else "")

        def act() -> list[str]:
            self._deployer.change_record(record, lambda one: one.with_move(at, what, after.revision))
            return []

        return self._attempt(act)

    def _move(self, alias: Alias, wanted: Alias) -> Alias | Answer:
        """Write the alias once and return it; refuse if others moved it after it was read."""
        after = self._deployer.write_alias(self.app.name, alias, wanted)
        if after.same_as(wanted):
            return after
        return answers.refusal("alias", "moved by others at this moment", "unchanged", _AGAIN)

    def _no_canary(self, alias: Alias) -> Answer | None:
        return None if alias.canary else answers.nothing_to_do("no release is taking traffic in stages")

    def _refuse_another_release(self, version: str | None, meant: str | None) -> Answer | None:
        """Refuse a command for another release than the present one."""
        if meant is None or version is None:
            return None
        published = self.app.published(version)
        if published and is_called(published, meant):
            return None
        description = published.description if published else None
        found = answers.titled(description.label if description else NO_RELEASE, version)
        return answers.refusal("release", found, f'"{meant}"', _AGAIN)


def unprovision(app: Application, record: Record) -> list[str]:
    """End the provisioned concurrency of a release that has no traffic any more; return what AWS refused."""
    if not (record.provisioned_concurrency and record.version):
        return []
    return note_warning(app, record, app.deployer.unprovision(app.name, record.version))


def note_warning(app: Application, record: Record, warning: str | None) -> list[str]:
    """Write a warning into the record that it is about; return it for the answer."""
    if warning is None:
        return []
    at = app.deployer.now()
    app.deployer.change_record(record, lambda one: one.with_entry(at, warning))
    return [warning]


def warned(warnings: list[str]) -> Answer:
    """Return the answer's warning about calls that AWS refused after the move."""
    return {"warning": warnings} if warnings else {}


def _rollback_words(left: str, target: str) -> str:
    return f"roll back from {left} to {target}"


def _removal_words(move: Move, alias: Alias) -> str:
    return f"{str(move).replace('-', ' ')}: version {alias.canary} loses its {alias.weight} % of the traffic"


def _unchecked(title: str, published: PublishedVersion) -> Answer:
    """Refuse a version whose bundle cannot be looked for, because its environment cannot be read."""
    found = f"{title}, whose environment cannot be read: {published.environment_error}"
    remedy = 'let the controller\'s role use the key, or add "force": true to go back without looking for the bundle'
    return answers.refusal("to", found, "a version whose bundle exists", remedy)
