"""Steps that make the bundle: while the release waits for it, and again, stronger, after it is live."""

import os
from contextlib import suppress
from datetime import timedelta

from bootstrap.index import SCHEMA
from deployer import sandbox
from deployer.admission import rejected
from deployer.aws.upload import BundleGoneError
from deployer.deployer import Deployer
from deployer.model.release import Bundle, Release, required
from deployer.model.status import Status

WORTH_MORE = 2 << 20
"""Bytes of a bundle from which a stronger one is worth its making: one part of a load."""
_PATIENCE = 4
"""Factor of the time budget for a bundle that no release waits for."""
_REPORTED = timedelta(seconds=3)
"""Interval at which the record gets a bundle's progress."""


def make_bundle(deployer: Deployer, release: Release) -> Release:
    """Make the bundle that this bootstrap loads, unless the same archive was bundled before."""
    key = _key(release)
    made = deployer.aws.bundles.find_bundle(key) or _build(deployer, release, key)
    if isinstance(made, sandbox.Refusal):
        return release.updated(ending=rejected(made))
    deployer.record_progress(release, f"bundled: {made.size / 1e6:.1f} MB", status=Status.BUNDLED)
    return release.updated(bundle=made)


def strengthen_bundle(deployer: Deployer, release: Release) -> Release:
    """Make the bundle of a live release again for the next one to copy from, unless a newer one exists.

    Its frames are as strong as the time allows, and in the order in which the release's own start needed them. The
    release itself keeps the bundle that its version names.
    """
    made, key = required(release.bundle), _key(release)
    if made.size < WORTH_MORE or not (made.weak or release.laid_out_anew):
        return release
    newest = deployer.aws.bundles.newest(release.drop.application, _suffix(release))
    if newest == made and deployer.aws.releases.head(release.drop):
        _build(deployer, release, key, patient=True)
    return release


def _key(release: Release) -> str:
    return f"bundles/{release.drop.application}/{required(release.inspection).sha256}{_suffix(release)}"


def _suffix(release: Release) -> str:
    """Return how the keys of bundles end that fit each other: frames of another runtime or schema are never taken."""
    return f"-{required(release.function).runtime}-{SCHEMA}.tar.zst"


def _build(deployer: Deployer, release: Release, key: str, *, patient: bool = False) -> Bundle | sandbox.Refusal:
    """Make a bundle from the newest one's frames and the new content; from everything when that one is gone."""
    application = release.drop.application
    earlier = deployer.aws.bundles.newest(application, _suffix(release))
    with suppress(BundleGoneError):
        return _attempt(deployer, release, key, earlier, patient=patient)
    return _attempt(deployer, release, key, None, patient=patient)


def _attempt(
    deployer: Deployer, release: Release, key: str, earlier: Bundle | None, *, patient: bool
) -> Bundle | sandbox.Refusal:
    seen, aws = required(release.inspection), deployer.aws
    there = earlier if earlier and earlier.tail_sha256 else None
    tail = aws.bundles.stored(there).tail() if there else b""
    source = aws.releases.archive(release.drop, seen.size)
    progress = _Progress(deployer, release)
    with sandbox.workspace(seen.sha256) as tree, aws.bundles.upload(key, there) as upload:
        output = sandbox.Output(upload.write, upload.copy, progress.record, tail, there.index_size if there else 0)
        plan = _plan(deployer, release, patient=patient)
        built = sandbox.build(source, seen.sha256, sandbox.Limits(), plan, tree, output)
        if isinstance(built, sandbox.Refusal):
            return built
        upload.complete()
    kept = built.model_dump(include=set(Bundle.model_fields))
    made = Bundle(key=key, version_id=upload.version_id, **kept)
    aws.bundles.save_location(made)
    aws.bundles.save_newest(release.drop.application, _suffix(release), made)
    return made


class _Progress:
    """Records a bundle's progress at intervals; not for a live release."""

    def __init__(self, deployer: Deployer, release: Release) -> None:
        self._deployer, self._release = deployer, release
        self._recorded = deployer.now()
        self._silent = release.ending is not None
        self._record(f"{required(release.inspection).unpacked / 1e6:.0f} MB")

    def record(self, done: int, total: int) -> None:
        """Record how many of how many bytes are done, now and then."""
        if self._deployer.now() - self._recorded >= _REPORTED:
            self._recorded = self._deployer.now()
            self._record(f"{100 * done // max(total, 1)} % of {total / 1e6:.0f} MB")

    def _record(self, what: str) -> None:
        if not self._silent:
            self._deployer.record_step(self._release, f"being bundled ({what})")


def _plan(deployer: Deployer, release: Release, *, patient: bool) -> sandbox.BuildOptions:
    runtime, start = required(release.function).runtime, required(release.inspection).start
    python = tuple(int(part) for part in runtime.removeprefix("python").split(".")) if start.kind == "python" else ()
    return sandbox.BuildOptions(
        python=(python[0], python[1]) if python else None,
        profile=deployer.aws.bundles.profile(release.drop.application, runtime),
        budget=timedelta(seconds=deployer.settings.bundle_seconds * (_PATIENCE if patient else 1)),
        threads=os.cpu_count() or 1,
        patient=patient,
    )
