"""The step before all that costs anything: an application's releases are prepared one at a time, the newest first."""

from deployer.deployer import Deployer
from deployer.model.release import Release, required
from deployer.model.status import Status
from deployer.model.text import shortened


def await_turn(deployer: Deployer, release: Release) -> Release:
    """Take the turn if it is free. End if a newer drop is known; repeat while an older one is being prepared.

    A: is inspected, bundled and published.  B to S: wait.  T, the newest: waits, too, and B to S end.  So as many drops
    as there may be make two bundles and two versions. A has begun, and goes on: T may yet be refused.
    The turn saves work and guards nothing: after some time its holder loses it, and the steps that move traffic ask
    the alias.
    """
    drop = release.drop
    if release.dropped is None:
        head = deployer.aws.releases.head(drop)
        if head is None:
            return release.ended(Status.REJECTED, f"the object version no longer exists: {shortened(drop.key)}")
        release = release.updated(dropped=release.ordered_at if drop.attempt else head.modified)
    if release.waiting and (ending := deployer.recorded_ending(release)):
        return release.ended(ending.status, ending.reason)
    mine, at, again = release.description, deployer.now(), release.waiting
    overview = deployer.aws.records.change_overview(drop.application, lambda one: one.asked(mine, at, again=again))
    latest = required(overview.latest)
    if latest.release_id != release.id:
        return release.ended(Status.SUPERSEDED, f'release "{latest.label}" was dropped later')
    turn = required(overview.turn)
    if turn.release_id == release.id:
        return release.updated(has_turn=True)
    deployer.record_step(release, f"waiting until {turn.label} is published")
    return release.updated(waiting=True)
