"""The commands to a release in stages: go on to the next one, stay, or resume."""

from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import Application
from deployer.commands.command import Pause, Promote, ReleaseCommand, Resume
from deployer.commands.traffic import attempt, move_alias, no_canary, refuse_another_release, warned
from deployer.model.alias import Alias
from deployer.model.record import Record

_ANOTHER_WEIGHT = 'name one of these, or send "full": true'


def promote(app: Application, command: Promote) -> Answer:
    """Shift the canary to its next stage's share, or to all traffic."""
    alias = app.alias()
    if blocked := no_canary(alias) or refuse_another_release(app, alias.canary, command.release):
        return blocked
    canary = str(alias.canary)
    record = app.record_of(canary)
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
    return _move_by_command(app, alias, wanted, command, words, record)


def pause(app: Application, command: Pause | Resume) -> Answer:
    """Stay at the present stage, or go on from it."""
    alias = app.alias()
    if blocked := no_canary(alias) or refuse_another_release(app, alias.canary, command.release):
        return blocked
    record, words = app.record_of(str(alias.canary)), f"{command.action} at {alias.weight} %"
    wanted = alias.pause(paused=command.action == "pause")
    if not alias.managed or alias.paused is not wanted.paused:
        return _move_by_command(app, alias, wanted, command, words, record)
    found = "it is paused" if wanted.paused else "it is not paused"
    unwritten = alias.same_as(wanted) and not command.dry_run  # the last move was this command, which may have died
    warnings = _record_command(app, record, alias, command, words) if unwritten else []
    return {**answers.nothing_to_do(found), **warned(warnings)}


def _move_by_command(
    app: Application, alias: Alias, wanted: Alias, command: ReleaseCommand, words: str, record: Record | None
) -> Answer:
    if not alias.managed:
        return answers.refusal("alias", "moved by others", "as the deployer left it", "move the alias by hand")
    if command.dry_run:
        return answers.done(words, dry_run=True)
    after = move_alias(app, alias, wanted)
    if not isinstance(after, Alias):
        return after
    return answers.done(f"done: {words}", **warned(_record_command(app, record, after, command, words)))


def _record_command(
    app: Application, record: Record | None, after: Alias, command: ReleaseCommand, words: str
) -> list[str]:
    """Record a command, once for its move; return AWS's refusal, if any."""
    if record is None:
        return []
    at, what = app.deployer.now(), f"by command: {words}" + (f" ({command.reason})" if command.reason else "")

    def act() -> list[str]:
        app.deployer.change_record(record, lambda one: one.with_move(at, what, after.revision))
        return []

    return attempt(act)
