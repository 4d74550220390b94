"""What is known of one application: its alias, its versions, their releases and bundles. Reads, never writes."""

from collections.abc import Iterator
from dataclasses import dataclass

from bootstrap.pointer import Pointer
from deployer.aws.functions import PublishedVersion
from deployer.commands.answers import Serving
from deployer.deployer import Deployer
from deployer.model.alias import Alias
from deployer.model.record import Record
from deployer.model.status import Ending, Status

RECENT = 50
"""Records looked through for releases under way."""
NO_RELEASE = "no release yet"


@dataclass(frozen=True)
class Application:
    """One application, looked at."""

    deployer: Deployer
    name: str

    @property
    def function(self) -> str:
        """The application's function."""
        return self.deployer.settings.function(self.name)

    def alias(self) -> Alias:
        """The alias as it stands."""
        return self.deployer.aws.functions.alias(self.function)

    def published(self, version: str) -> PublishedVersion | None:
        """What a version is; None when there is no such version."""
        return self.deployer.aws.functions.published(self.function, version)

    def record_of(self, version: str, *, live: bool = False) -> Record | None:
        """The record of the release that a version is; None for a version that is none.

        A record that is missing is begun anew from what the version says. `live`: it has all traffic.
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
        ).with_entry(self.deployer.now(), "there was no record; this is what the version says")
        if live:
            known = known.ended(self.deployer.now(), Ending(status=Status.LIVE, reason=f"version {version} was live"))
        stored = self.record(description.release_id)
        return stored.completed(known) if stored else known

    def record(self, release_id: str) -> Record | None:
        """The record of a release."""
        return self.deployer.aws.records.read(self.name, release_id)

    def under_way(self) -> list[Record]:
        """The releases that have not ended, newest first."""
        newest = self.deployer.aws.records.newest(self.name, RECENT)
        return [record for record in newest if not record.status.final]

    def version_of(self, name: str) -> str | None:
        """Find the version that a release name, a release id or a version means; the newest, if several fit."""
        fits = [
            found.version for found in self.deployer.aws.functions.versions(self.function) if is_called(found, name)
        ]
        return fits[-1] if fits else None

    def bundle_state(self, published: PublishedVersion | None) -> str:
        """Whether the bundle of a version is "intact" or "missing"; "none" for a version that has no bundle."""
        pointer = pointer_of(published)
        if pointer is None:
            return "none"
        return "intact" if self.deployer.aws.bundles.exists(pointer.key, pointer.version) else "missing"

    def serving(self, alias: Alias) -> Iterator[Serving]:
        """The versions that have traffic."""
        for version, share in ((alias.stable, 100 - alias.weight), (alias.canary, alias.weight)):
            if version:
                yield self._serving(self.published(version), version, share)

    def _serving(self, published: PublishedVersion | None, version: str, share: int) -> Serving:
        description = published.description if published else None
        return Serving(
            version=version,
            share=share,
            release=description.label if description else NO_RELEASE,
            release_id=description.release_id if description else None,
            dropped=description.dropped if description else None,
            bundle=self.bundle_state(published),
        )


def is_called(published: PublishedVersion, name: str) -> bool:
    """Whether a version goes by a name: its number, its release's name or its release's id."""
    description = published.description
    return name == published.version or (
        description is not None and name in (description.label, description.release_id)
    )


def pointer_of(published: PublishedVersion | None) -> Pointer | None:
    """Return the bundle that a version points at; None when it has no pointer that can be read."""
    return published.bundle if published else None
