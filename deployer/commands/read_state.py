"""Reads what `status` shows of one application, or of many at once."""

from collections.abc import Iterator

from deployer.commands import answers
from deployer.commands.application import NO_RELEASE, Application
from deployer.commands.state import NotLive, Serving, State, Summary, Warm
from deployer.model.alias import Alias
from deployer.model.overview import Overview
from deployer.model.price import per_hour
from deployer.model.status import Status

MOST_UNDER_WAY = 5
"""Releases under way that `status` shows; the rest are counted."""


def read_state(app: Application) -> State:
    """Read everything that `status` shows, in at most ten calls while one release is under way."""
    alias, overview = app.alias(), app.overview()
    left = app.record(alias.recorded.release) if alias.rolled_back and alias.recorded else None
    return State(
        **dict(_not_live(app, overview)),
        alias=alias,
        serving=tuple(_serving(app, alias)),
        not_shown=max(0, len(overview.under_way) - MOST_UNDER_WAY),
        rolled_back=left,
        warm=tuple(_warm(app)),
        previous=_previous(app, alias),
    )


def _serving(app: Application, alias: Alias) -> Iterator[Serving]:
    """Return the versions that have traffic."""
    for version, share in ((alias.stable, 100 - alias.weight), (alias.canary, alias.weight)):
        if version:
            published = app.published(version)
            description = published.description if published else None
            yield Serving(
                version=version,
                share=share,
                release=description.label if description else NO_RELEASE,
                release_id=description.release_id if description else None,
                dropped=description.dropped if description else None,
                bundle=app.bundle_state(published),
            )


def _warm(app: Application) -> Iterator[Warm]:
    """Return the versions that have provisioned concurrency, also if others configured it."""
    for found in app.deployer.aws.functions.provisioned(app.function):
        if published := app.published(found.qualifier):
            yield Warm(
                version=found.qualifier,
                release=published.description.label if published.description else NO_RELEASE,
                environments=found.requested,
                status=found.status,
                dollars_per_hour=per_hour(found.requested, published.memory, published.architecture),
            )


def _previous(app: Application, alias: Alias) -> str | None:
    """Return the release that a rollback goes to; None when `rollback` would refuse."""
    if alias.canary or alias.previous is None:
        return None
    published = app.published(alias.previous)
    if published is None or published.description is None or published.bundle is None:
        return None
    return answers.titled(published.description.label, alias.previous)


def read_summary(app: Application) -> Summary | None:
    """Read where the application stands, in two calls and one for each release under way; None when it is gone.

    Neither call is of the control plane's narrow budget: three hundred applications take seconds.
    """
    live = app.published(app.deployer.settings.alias)
    if live is None:
        return None
    return Summary(
        **dict(_not_live(app, app.overview())),
        application=app.name,
        version=live.version,
        release=live.description.label if live.description else None,
        dropped=live.description.dropped if live.description else None,
    )


def _not_live(app: Application, overview: Overview) -> NotLive:
    """Read the releases under way, and the newest drop unless it is among them."""
    newest = [overview.newest] if overview.newest and overview.newest not in overview.under_way else []
    read = filter(None, map(app.record, [*overview.under_way[-MOST_UNDER_WAY:], *newest]))
    records = sorted(read, key=lambda record: record.timeline[0].at, reverse=True)
    since = records[0].timeline[0].at if records else None
    return NotLive(
        under_way=tuple(one for one in records if not one.status.final),
        ended=next((one for one in records[:1] if one.status.final and one.status is not Status.LIVE), None),
        ignored=tuple(one for one in overview.ignored if since is None or one.at > since),
    )
