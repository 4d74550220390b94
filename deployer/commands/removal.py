"""The ends of a release before it has all traffic: by `abort`, by `rollback` while it is a canary, by a red alarm."""

from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import Application
from deployer.commands.command import Abort, ReleaseCommand
from deployer.commands.traffic import attempt, move_alias, refuse_another_release, unprovision, warned
from deployer.decisions import logged_error
from deployer.model.alias import Alias, Move
from deployer.model.record import Record
from deployer.model.status import Ending, Status


def abort(app: Application, command: Abort) -> Answer:
    """End the release that is under way, wherever it is on its way."""
    alias = app.alias()
    if alias.canary:
        moved_on = refuse_another_release(app, alias.canary, command.release)
        return moved_on or remove_canary(app, alias, command, Move.ABORT, Status.ABORTED)
    behind = [one for one in app.under_way() if one.version != alias.stable]  # else it has all traffic already
    waiting = [one for one in behind if command.release in (None, one.release, one.release_id)]
    if not waiting:
        return answers.nothing_to_do("no release is under way")
    if command.dry_run:
        return answers.done(f"abort {waiting[0].release}", dry_run=True)
    return _abort_before_traffic(app, alias, waiting[0], command)


def _abort_before_traffic(app: Application, alias: Alias, record: Record, command: Abort) -> Answer:
    """End a release before it has traffic.

    A: the rollout reads the alias.  B: abort writes the description, which changes the RevisionId.  A: its write is
    refused (412), it reads again and finds the abort. So the abort wins whenever it comes before the write.
    """
    after = move_alias(app, alias, alias.abort_waiting(record.release_id))
    if not isinstance(after, Alias):
        return after
    ending = Ending(status=Status.ABORTED, reason=command.reason or "abort by command")
    warnings = attempt(lambda: _record_removal(app, record, ending, "abort"))
    return answers.done(f"aborted {record.release} before it had any traffic", **warned(warnings))


def remove_canary(app: Application, alias: Alias, command: ReleaseCommand, move: Move, status: Status) -> Answer:
    """Move all traffic to the stable version by command, and end the canary's release."""
    record = app.record_of(str(alias.canary))
    if record is None or not alias.managed:
        found = f"version {alias.canary} with {alias.weight} %, shifted by others"
        return answers.refusal("alias", found, "a release that the deployer is shifting", "move the alias by hand")
    if command.dry_run:
        return answers.done(_removal_words(move, alias), dry_run=True)
    ending = Ending(status=status, reason=command.reason or f"{move} by command")
    return _remove_canary_and_end(app, alias, record, move, ending, by_command=True)


def _remove_canary_and_end(
    app: Application, alias: Alias, record: Record, move: Move, ending: Ending, *, by_command: bool = False
) -> Answer:
    after = move_alias(app, alias, alias.remove_canary(record.release_id, move, by_command=by_command))
    if not isinstance(after, Alias):
        return after
    warnings = attempt(lambda: _record_removal(app, record, ending, _removal_words(move, alias)))
    words = f"all traffic is on {app.title(alias.stable)} again"
    return answers.done(words, version=alias.stable, **warned(warnings))


def _record_removal(app: Application, record: Record, ending: Ending, words: str) -> list[str]:
    app.deployer.record_ending(record, ending, words)
    return unprovision(app, record)


def roll_back_on_alarm(app: Application, alarm: str) -> Answer:
    """Take the canary's traffic away when an alarm that watches it went red, within seconds and with one write.

    The event is a hint: the alarm is read, and one that was red before the release began does not count.
    """
    alias = app.alias()
    record = app.record_of(alias.canary) if alias.canary and alias.managed else None
    if record is None or record.status.final:
        return answers.nothing_to_do("no release is taking traffic in stages")
    red = app.deployer.aws.metrics.red_alarms(app.name, (alarm,)) - set(record.alarms_before)
    if alarm not in red:
        return answers.nothing_to_do(f"{alarm} is not in ALARM, or was before the release began")
    ending = Ending(status=Status.ROLLED_BACK, reason=_reason_of(app, alarm, record, str(alias.canary)))
    return _remove_canary_and_end(app, alias, record, Move.ROLL_BACK, ending)


def _reason_of(app: Application, alarm: str, record: Record, version: str) -> str:
    """Return the alarm, and the error of the canary's failed calls if its log has one and can be read at once."""
    function, now = app.deployer.settings.function(app.name), app.deployer.now()
    since = record.staged_at or now
    events = app.deployer.aws.logs.events(function, version, since, now, logged_error.TERMS, patience=1)
    error = logged_error.most_common(events)
    return f"alarm {alarm} is in ALARM" + (f"; version {version} failed with {error}" if error else "")


def _removal_words(move: Move, alias: Alias) -> str:
    return f"{str(move).replace('-', ' ')}: version {alias.canary} loses its {alias.weight} % of the traffic"
