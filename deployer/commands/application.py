"""The state of one application: its alias, its versions, their releases and bundles. Reads, never writes."""

from collections.abc import Iterator
from dataclasses import dataclass

from deployer.commands import answers
from deployer.commands.state import Serving, State, Summary, Warm
from deployer.deployer import Deployer
from deployer.model.alias import Alias
from deployer.model.overview import IgnoredDrop, Overview
from deployer.model.price import per_hour
from deployer.model.record import Record
from deployer.model.status import Ending, Status
from deployer.model.text import shortened
from deployer.model.version import PublishedVersion

SPARE_RECORDS = 10
"""Records that `history` reads beyond its limit: those written last are nearly those dropped last."""
NO_RELEASE = "no release yet"
MOST_UNDER_WAY = 5
"""Releases under way that `status` shows; the rest are counted."""


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

    def state(self) -> State:
        """Read everything that `status` shows, in at most ten calls while one release is under way."""
        alias, overview = self.alias(), self.overview()
        running = [
            record
            for release_id in reversed(overview.under_way[-MOST_UNDER_WAY:])
            if (record := self.record(release_id)) and not record.status.final
        ]
        known = {record.release_id for record in running}
        newest = self.record(overview.newest) if overview.newest and overview.newest not in known else None
        left = self.record(alias.recorded.release) if alias.rolled_back and alias.recorded else None
        return State(
            alias=alias,
            serving=tuple(self.serving(alias)),
            under_way=tuple(running),
            not_shown=max(0, len(overview.under_way) - MOST_UNDER_WAY),
            ended=newest if newest and newest.status.final and newest.status is not Status.LIVE else None,
            rolled_back=left,
            ignored=self._ignored_since(overview, newest or next(iter(running), None)),
            warm=tuple(self._warm()),
            previous=self._previous(alias),
        )

    def _warm(self) -> Iterator[Warm]:
        """Return the versions that have provisioned concurrency, also if others configured it."""
        for found in self.deployer.aws.functions.provisioned(self.function):
            if published := self.published(found.qualifier):
                yield Warm(
                    version=found.qualifier,
                    release=published.description.label if published.description else NO_RELEASE,
                    environments=found.requested,
                    status=found.status,
                    dollars_per_hour=per_hour(found.requested, published.memory, published.architecture),
                )

    def summary(self) -> Summary | None:
        """Read where the application stands, in two calls and one for each release under way; None when it is gone.

        Neither call is of the control plane's narrow budget: three hundred applications take seconds.
        """
        functions = self.deployer.aws.functions
        live = functions.published(self.function, self.deployer.settings.alias)
        if live is None:
            return None
        overview = self.overview()
        newest = [overview.newest] if overview.newest and overview.newest not in overview.under_way else []
        read = filter(None, map(self.record, [*overview.under_way[-MOST_UNDER_WAY:], *newest]))
        records = sorted(read, key=lambda record: record.timeline[0].at, reverse=True)
        ended = next((one for one in records[:1] if one.status.final and one.status is not Status.LIVE), None)
        return Summary(
            application=self.name,
            version=live.version,
            release=live.description.label if live.description else None,
            dropped=live.description.dropped if live.description else None,
            under_way=tuple(one for one in records if not one.status.final),
            ended=ended,
            ignored=self._ignored_since(overview, next(iter(records), None)),
        )

    def _ignored_since(self, overview: Overview, newest: Record | None) -> tuple[IgnoredDrop, ...]:
        return tuple(one for one in overview.ignored if newest is None or one.at > newest.timeline[0].at)

    def _previous(self, alias: Alias) -> str | None:
        """Return the release that a rollback goes to; None when `rollback` would refuse."""
        if alias.canary or alias.previous is None:
            return None
        published = self.published(alias.previous)
        if published is None or published.description is None or published.bundle is None:
            return None
        return answers.titled(published.description.label, alias.previous)

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

    def serving(self, alias: Alias) -> Iterator[Serving]:
        """The versions that have traffic."""
        for version, share in ((alias.stable, 100 - alias.weight), (alias.canary, alias.weight)):
            if version:
                published = self.published(version)
                description = published.description if published else None
                yield Serving(
                    version=version,
                    share=share,
                    release=description.label if description else NO_RELEASE,
                    release_id=description.release_id if description else None,
                    dropped=description.dropped if description else None,
                    bundle=self.bundle_state(published),
                )


def is_called(published: PublishedVersion, name: str) -> bool:
    """Return whether a name is that of a version: its number, its release's name or its release's id."""
    description = published.description
    return name == published.version or (
        description is not None and shortened(name) in (description.label, description.release_id)
    )
