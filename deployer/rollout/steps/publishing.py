"""Steps that make a version: publish it, await that it is Active, provision concurrency, and smoke-test it."""

import json

from bootstrap.pointer import VARIABLE, Pointer
from deployer.decisions.smoke import default_event, failure, traceback
from deployer.deployer import Deployer
from deployer.model.function import SIZES, SavedSizes
from deployer.model.profile import Profile
from deployer.model.release import Release, required
from deployer.model.status import Status
from deployer.model.version import LatestConfiguration

_ENVIRONMENT = 4_096
"""Bytes of all variables. Source: AWS Lambda developer guide, quotas."""


def publish(deployer: Deployer, release: Release) -> Release:
    """Point `$LATEST` at the bundle, or publish it if it points there. Repeat until the release has a version.

    Lambda publishes an unchanged `$LATEST` once: a step that died after it gets the same version again, and no list is
    needed. Only where another release has staged since may there be a version that no record names.
    Source: Lambda API reference, PublishVersion.

    `$LATEST` is shared staging, and may change at any moment after it was read. So each write names the revision that
    was read, and the published version is compared with the intended one.
    """
    functions, function = deployer.aws.functions, deployer.function(release)
    latest = functions.latest(function)
    if release.staged and latest.release_id != release.id and (version := _found(deployer, release)):
        return _published(deployer, release, version)
    if latest.environment_error:
        return release.ended(Status.FAILED, f"the function's environment cannot be read: {latest.environment_error}")
    wanted = _staged(deployer, release, latest)
    if latest.updating:
        return release
    if wanted != latest:
        if too_large := _too_large(wanted):
            return release.ended(Status.FAILED, too_large)
        functions.configure(function, latest, wanted)
        return release.updated(staged=True)
    version = functions.publish(function, latest, release.description.encode())
    return _published(deployer, release, version) if version else release


def _too_large(wanted: LatestConfiguration) -> str | None:
    """Return the size of an environment that is too large. Lambda's own refusal would repeat all its values."""
    size = len(json.dumps(wanted.environment, separators=(",", ":"), ensure_ascii=False).encode())
    if size <= _ENVIRONMENT:
        return None
    return f"the function's environment would take {size} of {_ENVIRONMENT} bytes; shorten the function's own variables"


def _found(deployer: Deployer, release: Release) -> str | None:
    """Find the version that was published of a release before another one was staged."""
    versions = deployer.aws.functions.versions(deployer.function(release))
    fits = (found.version for found in versions if found.description and found.description.release_id == release.id)
    return next(fits, None)


def _published(deployer: Deployer, release: Release, version: str) -> Release:
    deployer.record_progress(release, f"published as version {version}", status=Status.PUBLISHED, version=version)
    return release.updated(version=version)


def _staged(deployer: Deployer, release: Release, latest: LatestConfiguration) -> LatestConfiguration:
    """Return the wanted `$LATEST`: the bundle's pointer, and the manifest's sizes, or else the stack's."""
    stack = SavedSizes.parse(latest.environment, latest.sizes).stack
    sizes = stack.for_release(release.manifest.resources, required(release.inspection).storage)
    remembered = SavedSizes(stack=stack, release=sizes).model_dump_json()
    ours = {VARIABLE: _pointer(deployer, release).encode(), SIZES: remembered}
    return latest.model_copy(update={"environment": {**latest.environment, **ours}, "sizes": sizes})


def _pointer(deployer: Deployer, release: Release) -> Pointer:
    made, start = required(release.bundle), required(release.inspection).start
    return Pointer(
        bucket=deployer.settings.bundles_bucket,
        key=made.key,
        version=made.version_id,
        offset=made.offset,
        size=made.index_size,
        sha256=made.index_sha256,
        kind=start.kind,
        handler=start.handler,
        command=start.command,
        release=release.drop.label,
        id=release.id,
        owner=deployer.settings.account_id,
        unpacked=made.unpacked,
    )


def check_active(deployer: Deployer, release: Release) -> Release:
    """Find out whether the version can be invoked yet; under SnapStart that takes minutes.

    An invocation fails in every state but Active. Source: AWS Lambda developer guide, Lambda function states.
    """
    ready = deployer.aws.functions.readiness(deployer.function(release), required(release.version))
    if ready.state not in ("Active", "Pending"):
        reason = f"the version is {ready.state} instead of Active: {ready.reason or 'no reason given'}"
        return release.ended(Status.FAILED, reason)
    return release.updated(active=ready.state == "Active")


def provision_concurrency(deployer: Deployer, release: Release) -> Release:
    """Provide the manifest's provisioned concurrency, on the version itself, before it has traffic.

    If an alias has provisioned concurrency, Lambda itself writes weights while it moves, and refuses those of others:
    "Invalid alias configuration for Provisioned Concurrency". A version keeps its own when the alias moves.
    Sources: gradientedge/cdk-utils#1110, hashicorp/terraform-provider-aws#48116.
    """
    wanted = release.manifest.resources.provisioned_concurrency
    if not wanted:
        return release.updated(concurrency_ready=True)
    function, version = deployer.function(release), required(release.version)
    ready = deployer.aws.functions.provision(function, version, wanted)
    if ready.state == "FAILED":
        return release.ended(Status.FAILED, f"provisioned concurrency of {wanted}: {ready.reason}")
    return release.updated(concurrency_ready=ready.state == "READY")


def smoke_test(deployer: Deployer, release: Release) -> Release:
    """Invoke the version once before it has any traffic."""
    smoke = release.manifest.smoke
    event = smoke.event if smoke else default_event(release.drop.label)
    began = deployer.now()
    result = deployer.aws.functions.invoke(deployer.function(release), required(release.version), event)
    release = release.after("smoke_start", deployer.now() - began)
    if reason := failure(result, smoke):
        deployer.record_progress(release, "smoke test failed", traceback=traceback(result))
        return release.ended(Status.FAILED, f"smoke test: {reason}")
    if result.profile:
        release = _keep_profile(deployer, release, result.profile)
    deployer.record_progress(release, "smoke test passed", status=Status.SMOKE_TESTED)
    return release


def _keep_profile(deployer: Deployer, release: Release, found: Profile) -> Release:
    """Keep what the start touched; a profile that stays the same keeps the order of the files, and so the frames."""
    application, runtime = release.drop.application, required(release.function).runtime
    before = deployer.aws.bundles.profile(application, runtime)
    after = found.following(before)
    if after == before:
        return release
    deployer.aws.bundles.save_profile(application, runtime, after)
    return release.updated(laid_out_anew=True)
