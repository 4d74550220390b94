"""One application as AWS and its records have it: alias, versions, releases, bundles. Reads, never writes."""

from dataclasses import dataclass

from deployer.commands import answers
from deployer.deployer import Deployer
from deployer.model.alias import Alias
from deployer.model.overview import Overview
from deployer.model.record import Record
from deployer.model.status import Ending, Status
from deployer.model.text import shortened
from deployer.model.version import PublishedVersion

SPARE_RECORDS = 10
"""Records that `history` reads beyond its limit: those written last are nearly those dropped last."""
NO_RELEASE = "no release yet"


@dataclass(frozen=True)
class Application:
    """One application, as AWS and its records have it."""

    deployer: Deployer
    name: str

    @property
    def function(self) -> str:
        """The application's function."""
        return self.deployer.settings.function(self.name)

    def alias(self) -> Alias:
        """The alias as it is."""
        return self.deployer.aws.functions.alias(self.function)

    def published(self, version: str) -> PublishedVersion | None:
        """Return a published version; None when there is no such version."""
        return self.deployer.aws.functions.published(self.function, version)

    def record_of(self, version: str, *, live: bool = False) -> Record | None:
        """Return the record of a version's release; None for a version without one.

        A missing record is restored from the version's description. `live`: it has all traffic.
        """
        published = self.published(version)
        description = published.description if published else None
        if published is None or description is None:
            return None
        known = Record(
            release_id=description.release_id,
            application=self.name,
            release=description.label,
            version=version,
            archive_sha256=published.digest,
        ).with_entry(self.deployer.now(), "there was no record; this one is from the version's description")
        if live:
            known = known.ended(self.deployer.now(), Ending(status=Status.LIVE, reason=f"version {version} was live"))
        stored = self.record(description.release_id)
        return stored.completed(known) if stored else known

    def record(self, release_id: str) -> Record | None:
        """The record of a release."""
        return self.deployer.aws.records.read(self.name, release_id)

    def under_way(self) -> list[Record]:
        """The releases that have not ended, newest first."""
        found = (self.record(release_id) for release_id in reversed(self.overview().under_way))
        return [record for record in found if record and not record.status.final]

    def overview(self) -> Overview:
        """Return the application's overview: releases under way, the last drops, the live releases."""
        return self.deployer.aws.records.overview(self.name)

    def recent(self, limit: int) -> list[Record]:
        """The releases that were dropped last, newest first."""
        newest, found = self.overview().newest, self.deployer.aws.records.newest(self.name, limit + SPARE_RECORDS)
        if newest and newest not in {record.release_id for record in found}:
            found += filter(None, [self.record(newest)])
        return sorted(found, key=lambda record: record.timeline[0].at, reverse=True)[:limit]

    def known_releases(self) -> str:
        """Return the newest releases that a command can name."""
        versions = self.deployer.aws.functions.versions(self.function)
        names = [answers.titled(one.description.label, one.version) for one in versions if one.description][-5:]
        return ", ".join(reversed(names)) or NO_RELEASE

    def title(self, version: str | None) -> str:
        """Return the title of a version: its release, and its number in brackets."""
        published = self.published(version) if version else None
        return answers.titled(published.description.label if published and published.description else None, version)

    def version_of(self, name: str) -> str | None:
        """Find the version that a release name, a release id or a version means; the newest, if several fit."""
        versions = self.deployer.aws.functions.versions(self.function)
        fits = [found.version for found in versions if is_called(found, name)]
        return fits[-1] if fits else None

    def bundle_state(self, published: PublishedVersion | None) -> str:
        """Return "present" or "missing" for the bundle of a version; "none" for a version that has no bundle."""
        pointer = published.bundle if published else None
        if pointer is None:
            return "none"
        return "present" if self.deployer.aws.bundles.exists(pointer.key, pointer.version) else "missing"


def is_called(published: PublishedVersion, name: str) -> bool:
    """Return whether a name is that of a version: its number, its release's name or its release's id."""
    description = published.description
    return name == published.version or (
        description is not None and shortened(name) in (description.label, description.release_id)
    )
