"""Commands that move no traffic themselves: validate an archive, release one again, delete unneeded versions."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import filterfalse

from deployer.admission import admit
from deployer.aws.bundles_bucket import ObjectVersion
from deployer.aws.functions import PublishedVersion
from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import Application, pointer_of
from deployer.commands.command import Prune, Redeploy, Validate
from deployer.model.alias import Alias
from deployer.model.drop import Drop, misplaced
from deployer.model.record import Record
from deployer.model.status import Ending
from deployer.model.text import shortened

RECORDS_SEARCHED = 100
"""Records that are searched for a release's name, newest first."""
_SECRETIVE = {"manifest": {"smoke"}}
"""Fields of an inspection that no answer repeats: the smoke test's values are for the application alone."""


@dataclass(frozen=True)
class Maintenance:
    """The maintenance of one application."""

    app: Application

    def validate(self, command: Validate) -> Answer:
        """Inspect a dropped archive as the rollout would, and change nothing."""
        deployer, key = self.app.deployer, command.key
        if problem := misplaced(key, frozenset({self.app.name})):
            return answers.refused([problem])
        drop = deployer.aws.releases.latest(key)
        found = admit(deployer, drop) if drop else None
        if drop is None or found is None:
            return answers.refusal("key", "no such object", "an object in the releases bucket", "drop it first")
        if isinstance(found, Ending):
            return {**answers.refused(found.problems), "answer": f"{drop.label} would be rejected"}
        inspection = found.inspection
        plan = ", ".join(str(stage) for stage in inspection.manifest.rollout.plan()) or "all at once"
        shown = inspection.model_dump(mode="json", by_alias=True, exclude=_SECRETIVE)
        return answers.done(f"{drop.label} would be accepted", plan=plan, **shown)

    def redeploy(self, command: Redeploy) -> Answer:
        """Roll an earlier drop out again, through every step, as a new release of the same object version."""
        earlier = self._earlier(command.release)
        if earlier is None:
            return answers.refusal("release", f'"{command.release}"', "a release name or release id", "see history")
        drop = self._next_attempt(earlier, force=command.force)
        if refusal := self._already(earlier) or self._needs_force(earlier, force=command.force):
            return refusal
        if command.dry_run:
            return answers.done(f"roll out {drop.label} again", dry_run=True, id=drop.release_id)
        deployer = self.app.deployer
        why = f" ({command.reason})" if command.reason else ""
        deployer.begin_record(drop, f"received: redeploy by command{why}")
        if not deployer.aws.executions.start(drop):
            force = "without" if command.force else "with"
            found = f'{drop.label}, which is being rolled out again {force} "force"'
            return answers.refusal("release", found, "a release that has ended", "abort it, then redeploy")
        return answers.done(f"rolling out {drop.label} again", id=drop.release_id)

    def _already(self, earlier: Record) -> Answer | None:
        """Refuse an archive that is live under the same key, which the rollout would end as a duplicate."""
        live = self.app.record_of(self.app.alias().stable)
        if live is None or (live.key, live.archive_sha256) != (earlier.key, earlier.archive_sha256):
            return None
        return answers.nothing_to_do(f"{answers.titled(live.release, live.version)} is live with this archive")

    def _needs_force(self, earlier: Record, *, force: bool) -> Answer | None:
        """Refuse an archive that was rolled back, which the rollout would reject."""
        digest = earlier.archive_sha256
        if force or not digest or not self.app.deployer.aws.bundles.rolled_back_as(self.app.name, digest):
            return None
        why = f" ({earlier.rolled_back.reason})" if earlier.rolled_back else ""
        found = f"{answers.titled(earlier.release, earlier.version)}, whose archive was rolled back{why}"
        return answers.refusal("release", found, "an archive that was not rolled back", 'add "force": true')

    def _earlier(self, name: str) -> Record | None:
        records, label = self.app.deployer.aws.records.newest(self.app.name, RECORDS_SEARCHED), shortened(name)
        known = [record for record in records if record.key]
        fits = [record for record in known if label in (record.release, record.release_id, record.version)]
        return max(fits, key=lambda record: record.timeline[0].at, default=None)

    def _next_attempt(self, earlier: Record, *, force: bool) -> Drop:
        """Return the first attempt that has not ended, so that a repeated command starts the same one."""
        bucket = self.app.deployer.settings.releases_bucket
        drop = Drop(bucket=bucket, key=earlier.key, version_id=earlier.version_id, attempt=1, force=force)
        while (known := self.app.record(drop.release_id)) and known.status.final:
            drop = drop.model_copy(update={"attempt": drop.attempt + 1})
        return drop

    def prune(self, command: Prune, most: int | None = None) -> Answer:
        """Delete unneeded versions, oldest first, and bundles that no version points at."""
        functions, bundles = self.app.deployer.aws.functions, self.app.deployer.aws.bundles
        versions = [found for found in functions.versions(self.app.function) if found.description]
        if hidden := next(filter(None, (found.environment_error for found in versions)), None):
            return answers.refusal(
                "the function",
                f"versions whose bundles cannot be read ({hidden})",
                "versions whose environment the deployer may read",
                "see KmsKeyArn in the application's stack",
            )
        under_way = self.app.under_way()
        kept = versions_to_keep(
            versions,
            command.keep,
            self.app.alias(),
            functions.aliased_versions(self.app.function),
            under_way,
            frozenset(self.app.overview().went_live),
        )
        to_delete = [found for found in versions if found.version not in kept][:most]
        remaining = [found for found in versions if found not in to_delete]
        stored = list(bundles.object_versions(self.app.name))
        orphans = unreferenced_bundles(stored, remaining, under_way, newest_bundles(stored))
        size = sum(stored.size for stored in orphans)
        titles = [answers.titled(found.description.label, found.version) for found in to_delete if found.description]
        words = f"delete {', '.join(titles) or 'no version'} and {size / 1e6:.1f} MB of bundles, keep {len(remaining)}"
        report = {"versions": [found.version for found in to_delete], "bundles": sorted({one.key for one in orphans})}
        if command.dry_run:
            return {**answers.done(words, dry_run=True), **report}
        for found in to_delete:
            functions.delete(self.app.function, found.version)
        self._delete(orphans)
        return {**answers.done(words.replace("delete", "deleted", 1).replace(", keep", ", kept")), **report}

    def _delete(self, orphans: list[ObjectVersion]) -> None:
        """Delete the bundles' location files, check again, then delete the bundles that are still unused.

        A: a rollout writes its record, then reads the location of its bytes' bundle, to use it again.  B: prune deletes
        that, and checks: it finds A's record, or A's version, or A comes too late to find the bundle and makes another.
        """
        bundles = self.app.deployer.aws.bundles
        for stored in filter(_is_location, orphans):
            bundles.delete(stored)
        under_way = self.app.under_way()
        versions = list(self.app.deployer.aws.functions.versions(self.app.function))
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
    ranked = sorted(versions, key=lambda found: _went_live(found, went_live))
    newest = {found.version for found in ranked[-keep:]}
    previous = {alias.recorded.previous, alias.recorded.stable} if alias.recorded else set()
    return frozenset(filter(None, newest | named | previous | {record.version for record in under_way}))


def _went_live(found: PublishedVersion, went_live: frozenset[str]) -> bool:
    return found.description is not None and found.description.release_id in went_live


def unreferenced_bundles(
    stored: Iterable[ObjectVersion],
    remaining: list[PublishedVersion],
    under_way: list[Record],
    newest: frozenset[tuple[str, str]] = frozenset(),
) -> list[ObjectVersion]:
    """Pure: the bundles that no remaining version points at and no rollout has just made, with their location files.

    The newest ones stay as well: the next release copies from them.
    """
    used = newest | {(pointer.key, pointer.version) for pointer in map(pointer_of, remaining) if pointer}
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
