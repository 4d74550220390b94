"""Steps before there is a bundle: was the release ordered, is its archive there, and will it run."""

from deployer import sandbox
from deployer.admission import Admitted, admit
from deployer.deployer import Deployer
from deployer.model.drop import misplaced
from deployer.model.release import Release, required
from deployer.model.status import Ending, Status
from deployer.model.text import shortened


def check_order(deployer: Deployer, release: Release, execution_name: str) -> Release:
    """Refuse an input that the controller did not write: else every invoker of the rollout could release any bytes.

    Only the controller starts rollouts: of drops in the releases bucket, under the release's id, with a record.
    """
    drop, settings = release.drop, deployer.settings
    record = None
    if drop.bucket != settings.releases_bucket or execution_name != drop.release_id:
        found = f"bucket {shortened(drop.bucket)}, execution {shortened(execution_name)}"
    elif problem := misplaced(drop.key, {drop.application}):
        found = str(problem)
    else:
        found, record = "no record", deployer.aws.records.read(drop.application, drop.release_id)
    if record is None:
        return release.ended(Status.REJECTED, f"not ordered by the controller: {found}")
    if record.status.final:
        return release.ended(record.status, record.reason)
    return release.updated(ordered_at=record.timeline[0].at)


def inspect(deployer: Deployer, release: Release) -> Release:
    """Inspect the drop: is it complete and well-formed, and will it run in its function."""
    drop = release.drop
    deployer.record_step(release, "being inspected")
    with sandbox.workspace() as tree:
        admitted = admit(deployer, drop, tree)
        if isinstance(admitted, Admitted):
            sandbox.keep(tree, admitted.inspection.sha256)
    if admitted is None:
        return release.ended(Status.REJECTED, f"the object version no longer exists: {shortened(drop.key)}")
    if isinstance(admitted, Ending):
        return release.updated(ending=admitted)
    found, head = admitted.inspection, admitted.head
    # Before any code of the release runs: its smoke test may turn an alarm red.
    red = deployer.aws.metrics.red_alarms(drop.application, found.manifest.rollout.alarms)
    release = release.updated(inspection=found, function=admitted.function, alarms_before=red)
    words = f"inspected: {found.files} files, {found.unpacked / 1e6:.1f} MB unpacked"
    deployer.record_progress(release, words, status=Status.INSPECTED)
    return _known_before(deployer, release, force=drop.force or head.force) or release


def _known_before(deployer: Deployer, release: Release, *, force: bool) -> Release | None:
    """End a release whose bytes were rolled back before, or are live under this key already."""
    drop, digest = release.drop, required(release.inspection).sha256
    earlier = deployer.aws.bundles.rolled_back_as(drop.application, digest)
    if earlier and earlier != release.id and not force:
        reason = f"this archive was rolled back before, as release {earlier}; force releases it again"
        return release.ended(Status.REJECTED, reason)
    function = deployer.function(release)
    published = deployer.aws.functions.published(function, deployer.settings.alias)  # the stable version
    stable = published.description if published else None
    live = stable and deployer.aws.records.read(drop.application, stable.release_id)
    if live and live.release_id != release.id and (live.key, live.archive_sha256) == (drop.key, digest):
        return release.ended(Status.DUPLICATE, f"these bytes are live under this name as release {live.release_id}")
    return None
