"""The command, and the schedule's work, that deletes unneeded versions and the bundles that only they needed."""

from collections.abc import Iterable
from itertools import filterfalse

from deployer.aws.bundles_bucket import ObjectVersion
from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import Application
from deployer.commands.command import Prune
from deployer.model.alias import Alias
from deployer.model.record import Record
from deployer.model.version import PublishedVersion


def prune(app: Application, command: Prune, most: int | None = None) -> Answer:
    """Delete unneeded versions, oldest first, and bundles that no version points at."""
    functions, bundles = app.deployer.aws.functions, app.deployer.aws.bundles
    versions = [found for found in functions.versions(app.function) if found.description]
    if hidden := next(filter(None, (found.environment_error for found in versions)), None):
        return answers.refusal(
            "the function",
            f"versions whose bundles cannot be read ({hidden})",
            "versions whose environment the deployer may read",
            "see KmsKeyArn in the application's stack",
        )
    under_way = app.under_way()
    kept = versions_to_keep(
        versions,
        command.keep,
        app.alias(),
        functions.aliased_versions(app.function),
        under_way,
        frozenset(app.overview().went_live),
    )
    to_delete = [found for found in versions if found.version not in kept][:most]
    remaining = [found for found in versions if found not in to_delete]
    stored = list(bundles.object_versions(app.name))
    orphans = unreferenced_bundles(stored, remaining, under_way, newest_bundles(stored))
    size = sum(stored.size for stored in orphans)
    titles = [answers.titled(found.description.label, found.version) for found in to_delete if found.description]
    what = f"{', '.join(titles) or 'no version'} and {size / 1e6:.1f} MB of bundles"
    report = {"versions": [found.version for found in to_delete], "bundles": sorted({one.key for one in orphans})}
    if command.dry_run:
        return {**answers.done(f"delete {what}, keep {len(remaining)}", dry_run=True), **report}
    for found in to_delete:
        functions.delete(app.function, found.version)
    _delete(app, orphans)
    return {**answers.done(f"deleted {what}, kept {len(remaining)}"), **report}


def _delete(app: Application, orphans: list[ObjectVersion]) -> None:
    """Delete the bundles' location files, check again, then delete the bundles that are still unused.

    A: a rollout writes its record, then reads the location of its bytes' bundle, to use it again.  B: prune deletes
    that, and checks: it finds A's record, or A's version, or A comes too late to find the bundle and makes another.
    """
    bundles = app.deployer.aws.bundles
    for stored in filter(_is_location, orphans):
        bundles.delete(stored)
    under_way = app.under_way()
    versions = list(app.deployer.aws.functions.versions(app.function))
    for stored in filterfalse(_is_location, unreferenced_bundles(orphans, versions, under_way)):
        bundles.delete(stored)


def versions_to_keep(
    versions: list[PublishedVersion],
    keep: int,
    alias: Alias,
    named: frozenset[str],
    under_way: list[Record],
    went_live: frozenset[str],
) -> frozenset[str]:
    """Pure: the versions that must stay: the newest, and all that an alias, `previous` or a rollout names.

    Releases that failed go before those that went live, whatever their age.

    The recorded state counts even if others moved the alias: an extra version is harmless, a missing one is not.
    """
    ranked = sorted(versions, key=lambda one: one.description is not None and one.description.release_id in went_live)
    newest = {found.version for found in ranked[-keep:]}
    previous = {alias.recorded.previous, alias.recorded.stable} if alias.recorded else set()
    return frozenset(filter(None, newest | named | previous | {record.version for record in under_way}))


def unreferenced_bundles(
    stored: Iterable[ObjectVersion],
    remaining: list[PublishedVersion],
    under_way: list[Record],
    newest: frozenset[tuple[str, str]] = frozenset(),
) -> list[ObjectVersion]:
    """Pure: the bundles that no remaining version points at and no rollout has just made, with their location files.

    The newest ones stay as well: the next release copies from them.
    """
    used = newest | {(found.bundle.key, found.bundle.version) for found in remaining if found.bundle}
    digests = [record.archive_sha256 for record in under_way if record.archive_sha256]
    free = [
        one
        for one in stored
        if (one.key, one.version_id) not in used and not any(digest in one.key for digest in digests)
    ]
    spared = {_stem(key) for key, _ in used} - {_stem(one.key) for one in free if not _is_location(one)}
    return [one for one in free if not (_is_location(one) and _stem(one.key) in spared)]


def newest_bundles(stored: Iterable[ObjectVersion]) -> frozenset[tuple[str, str]]:
    """Pure: key and version of the bundle that was made last, for each runtime and schema."""
    ordered = sorted((one for one in stored if not _is_location(one)), key=lambda one: one.modified)
    found = {one.key.partition("-")[2]: one for one in ordered}
    return frozenset((one.key, one.version_id) for one in found.values())


def _is_location(stored: ObjectVersion) -> bool:
    return stored.key.endswith(".json")


def _stem(key: str) -> str:
    return key.removesuffix(".json").removesuffix(".tar.zst")
