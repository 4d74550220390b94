"""The command to go back: a canary loses its traffic; without one, an earlier version gets all of it."""

from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import Application
from deployer.commands.command import RollBack
from deployer.commands.history import ending
from deployer.commands.removal import remove_canary
from deployer.commands.traffic import attempt, move_alias, note_warning, refuse_another_release, unprovision, warned
from deployer.model.alias import Alias, Move
from deployer.model.record import Record
from deployer.model.status import Ending, Status
from deployer.model.version import PublishedVersion

_ROLLED_BACK = 'already rolled back: {stable} has all traffic. To go back further, name a release in "to"'
"""For a rollback that is sent twice: the second one does not mean the release that did well."""
_FIX_FORWARD = 'drop a fix; once it has its share, send {"action":"promote","full":true}'
_BAD_ENDINGS = (Status.ROLLED_BACK, Status.ABORTED, Status.FAILED)


def roll_back(app: Application, command: RollBack) -> Answer:
    """Take the canary away, or give an earlier version all traffic."""
    alias = app.alias()
    if moved_on := refuse_another_release(app, alias.canary or alias.stable, command.release):
        return moved_on
    target = alias.stable if alias.canary and command.to is None else _target(app, alias, command)
    if not isinstance(target, str):
        return target
    if alias.canary and target == alias.stable and (alias.managed or command.to is None):
        return remove_canary(app, alias, command, Move.ROLL_BACK, Status.ROLLED_BACK)
    return _unfit(app, target, force=command.force) or _roll_back_to(app, alias, target, command)


def _target(app: Application, alias: Alias, command: RollBack) -> str | Answer:
    """Return the version to go back to, or an answer with the reason why it cannot be found."""
    if alias.rolled_back and command.to is None and command.release is None:
        return _nothing_left(app, alias, command, _ROLLED_BACK.format(stable=app.title(alias.stable)))
    target = app.version_of(command.to) if command.to else alias.previous
    if target == alias.stable and not alias.canary:
        return _nothing_left(app, alias, command, f"{app.title(target)} has all traffic")
    if target is None and command.to is None:
        why = 'there is no earlier release to go back to; name one in "to"'
        return _nothing_left(app, alias, command, why)
    if target is None:
        return answers.refusal("to", f'"{command.to}"', app.known_releases(), "name one of these")
    return target


def _unfit(app: Application, version: str, *, force: bool) -> Answer | None:
    """Refuse a version that cannot, or should not, serve."""
    published = app.published(version)
    if published and published.description and published.environment_error:
        return None if force else _unchecked(answers.titled(published.description.label, version), published)
    if published is None or published.description is None or published.bundle is None:
        found = f"version {version}, which is not a release: there is nothing to go back to yet"
        return answers.refusal("rollback", found, "a version that the deployer published", _FIX_FORWARD)
    if app.bundle_state(published) != "present":
        found = f"{answers.titled(published.description.label, version)}, whose bundle is gone"
        return answers.refusal("to", found, "a version whose bundle exists", "drop the release again")
    record = app.record(published.description.release_id)
    if record and not force and _ended_badly(app, record):
        found = ending(record)
        allowed = "a release that was not rolled back, aborted or failed"
        return answers.refusal("to", found, allowed, 'add "force": true to use it anyway')
    return None


def _ended_badly(app: Application, record: Record) -> bool:
    """Return whether a release ended badly, or was rolled back after it had been live."""
    if record.status in _BAD_ENDINGS:
        return True
    marked = app.deployer.aws.bundles.rolled_back_as(record.application, record.archive_sha256)
    return marked == record.release_id


def _roll_back_to(app: Application, alias: Alias, target: str, command: RollBack) -> Answer:
    leaving, *others = [version for version in (alias.stable, alias.canary) if version and version != target]
    words = _rollback_words(app.title(leaving), app.title(target))
    if command.dry_run:
        return answers.done(words, dry_run=True)
    left = app.record_of(leaving, live=leaving == alias.stable)
    after = move_alias(app, alias, alias.roll_back_to(left.release_id if left else "none", target))
    if not isinstance(after, Alias):
        return after
    reason = command.reason or words
    warnings = _record_rollback(app, left, after, words, reason)
    if others:
        warnings += attempt(lambda: _record_left(app, app.record_of(others[0]), after, words, reason))
    return answers.done(words.replace("roll", "rolled", 1), version=target, **warned(warnings))


def _record_rollback(app: Application, left: Record | None, after: Alias, words: str, reason: str) -> list[str]:
    """Write down what a rollback left, now that all traffic is where it should be; return what AWS refused."""
    warnings = attempt(lambda: _record_left(app, left, after, words, reason))
    return warnings + attempt(lambda: _provision(app, after.stable))


def _record_left(app: Application, record: Record | None, after: Alias, words: str, reason: str) -> list[str]:
    if record is None:
        return []
    ending = Ending(status=Status.ROLLED_BACK, reason=reason)
    what = words if reason == words else f"{words} ({reason})"
    app.deployer.record_ending(record, ending, what, move=after.revision)
    return unprovision(app, record)


def _nothing_left(app: Application, alias: Alias, command: RollBack, why: str) -> Answer:
    """Move nothing, but record a rollback that died after its one write: the alias's description has it.

    A: rollback moves the alias, and dies.  A, sent again: nothing is left to move, but no record has it yet.
    """
    record = _rolled_back_before(app, alias)
    if record and not command.dry_run and (record.status is Status.LIVE or not record.status.final):
        words = _rollback_words(app.title(record.version), app.title(alias.stable))
        warnings = _record_rollback(app, record, alias, words, command.reason or words)
        return {**answers.nothing_to_do(why), **warned(warnings)}
    return answers.nothing_to_do(why)


def _rolled_back_before(app: Application, alias: Alias) -> Record | None:
    """Return the release that the alias records as rolled back; a deleted record is restored."""
    if alias.recorded is None or not alias.rolled_back:
        return None
    release_id = alias.recorded.release
    version = None
    if (record := app.record(release_id)) is None:
        version = app.version_of(release_id)
    return app.record_of(version, live=True) if version else record


def _provision(app: Application, version: str) -> list[str]:
    """Ask for the provisioned concurrency that a version was released with; its traffic does not wait for it."""
    record = app.record_of(version)
    if record and record.rolled_back:
        at = app.deployer.now()
        app.deployer.change_record(record, lambda one: one.live_again(at, "has all traffic again, by command"))
    if record is None or not record.provisioned_concurrency:
        return []
    most = app.deployer.settings.max_provisioned_concurrency
    if record.provisioned_concurrency > most:
        found = f"version {version} was released with provisioned concurrency of {record.provisioned_concurrency}"
        return note_warning(app, record, f"{found}, and the stack allows {most} now: it starts without")
    warning = app.deployer.provision(app.name, version, record.provisioned_concurrency)
    return note_warning(app, record, warning)


def _rollback_words(left: str, target: str) -> str:
    return f"roll back from {left} to {target}"


def _unchecked(title: str, published: PublishedVersion) -> Answer:
    """Refuse a version whose bundle cannot be looked for, because its environment cannot be read."""
    found = f"{title}, whose environment cannot be read: {published.environment_error}"
    remedy = 'let the controller\'s role use the key, or add "force": true to go back without looking for the bundle'
    return answers.refusal("to", found, "a version whose bundle exists", remedy)
