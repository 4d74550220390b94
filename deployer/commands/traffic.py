"""The parts that all moves of the alias share: one write, conditional on what was read, and what may fail after it."""

from collections.abc import Callable

from deployer.aws.errors import RefusedError, refusals
from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import NO_RELEASE, Application, is_called
from deployer.model.alias import Alias
from deployer.model.record import Record

_AGAIN = "run status and send the command again"


def attempt(act: Callable[[], list[str]]) -> list[str]:
    """Do what follows the one write, which stays even if AWS refuses these calls; return warnings."""
    try:
        with refusals():
            return act()
    except RefusedError as error:
        return [f"the traffic was moved, but not everything after it was done: {error}; send the command again"]


def move_alias(app: Application, alias: Alias, wanted: Alias) -> Alias | Answer:
    """Write the alias once and return it; refuse if others moved it after it was read."""
    after = app.deployer.write_alias(app.name, alias, wanted)
    if after.same_as(wanted):
        return after
    return answers.refusal("alias", "moved by others at this moment", "unchanged", _AGAIN)


def no_canary(alias: Alias) -> Answer | None:
    """Return the answer to a command for a release in stages where no release is in stages."""
    return None if alias.canary else answers.nothing_to_do("no release is taking traffic in stages")


def refuse_another_release(app: Application, version: str | None, meant: str | None) -> Answer | None:
    """Refuse a command for another release than the present one."""
    if meant is None or version is None:
        return None
    published = app.published(version)
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
