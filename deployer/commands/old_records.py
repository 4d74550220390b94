"""The records that nothing needs any more, deleted after the days that the stack's owner sets."""

from datetime import timedelta

from deployer.commands.application import Application
from deployer.model.alias import Alias
from deployer.model.overview import Overview


def forget(app: Application, most: int) -> int:
    """Delete old records, oldest first; return how many.

    The rule is an age and not S3's own lifecycle, which would delete a live release's record, too.
    """
    deployer, days = app.deployer, app.deployer.settings.keep_records_days
    if not days:
        return 0
    old = deployer.aws.records.unchanged_since(app.name, deployer.now() - timedelta(days=days))
    needed = _needed(app) if old else frozenset()
    unneeded = [release_id for release_id in old if release_id not in needed][:most]
    for release_id in unneeded:
        deployer.aws.records.hide(app.name, release_id)
    return len(unneeded)


def _needed(app: Application) -> frozenset[str]:
    versions = app.deployer.aws.functions.versions(app.function)
    published = frozenset(found.description.release_id for found in versions if found.description)
    return published | named_by(app.alias(), app.overview())


def named_by(alias: Alias, overview: Overview) -> frozenset[str]:
    """Pure: the releases that the alias or the overview names: moved last, under way, dropped last."""
    moved = {alias.recorded.release} if alias.recorded else set()
    newest = {overview.newest} if overview.newest else set()
    return frozenset(moved | newest | {*overview.under_way})
