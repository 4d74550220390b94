"""The rollout of one release, as a durable function.

A release is inspected, bundled, published, smoke-tested, shifted in stages, and promoted or rolled back. This
file and `run.py` alone import the durable execution SDK; `steps/` knows nothing of it. Code outside `run.step` is
replayed at every wake-up. So it reads no clock, no environment and no service: it only decides, from values that steps
returned.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution

from deployer.model.drop import Drop
from deployer.model.health import Health
from deployer.model.release import Release, required
from deployer.model.stages import ACTIVE_TRIES, PUBLISH_TRIES, Stage, bake_waits, hold_waits, turn_waits
from deployer.model.status import Status
from deployer.rollout.run import Act, Run, StepFailedError
from deployer.rollout.steps import bundling, looking, preparing, publishing, shifting, turn

__all__ = ["Run", "StepFailedError", "carry_out", "handler"]


@durable_execution
def handler(event: dict[str, Any], context: DurableContext) -> dict[str, str]:
    """Roll out the drop of the input; the execution's result is the ending."""
    run = Run(context, Release(drop=Drop.model_validate(event)))
    name = context.execution_context.durable_execution_arn.split("/")[-2]
    release = run.step(preparing.check_order, run.release, name)
    return result(release) if release.ending else carry_out(run)


def carry_out(run: Run) -> dict[str, str]:
    """Take a release to its end and return the ending; a failure on the way has an ending, too."""
    try:
        release = roll_out(run, run.release)
    except StepFailedError as error:
        release = run.step(shifting.fail, run.release, str(error))
    release = run.step(shifting.finish, release)
    if required(release.ending).status is Status.LIVE:
        with suppress(StepFailedError):  # it only makes the next release's bundle cheaper
            run.step(bundling.strengthen_bundle, release)
    return result(release)


def result(release: Release) -> dict[str, str]:
    """Return how a release ended."""
    ending = required(release.ending)
    return {"release": release.id, "status": ending.status, "reason": ending.reason}


def roll_out(run: Run, release: Release) -> Release:
    """Take a release through every step until it ends."""
    inspect, bundle, promote = map(_once, (preparing.inspect, bundling.make_bundle, shifting.promote))
    for act in (take_turn, inspect, bundle, publish, smoke_test, shift_in_stages, promote):
        release = act(run, release)
        if release.ending:
            break
    return release


def take_turn(run: Run, release: Release) -> Release:
    """Wait while another release of the application is being prepared, unless a newer drop is known."""
    for wait in turn_waits():
        release = run.step(turn.await_turn, release)
        if release.ending or release.has_turn:
            return release
        run.wait(wait)
    return release


def _once(act: Act[[]]) -> Callable[[Run, Release], Release]:
    return lambda run, release: run.step(act, release)


def publish(run: Run, release: Release) -> Release:
    """Make a version of it that can be invoked."""
    release = _until(run, publishing.publish, release, lambda found: found.version is not None, PUBLISH_TRIES)
    if release.ending:
        return release
    return _until(run, publishing.check_active, release, lambda found: found.active, ACTIVE_TRIES)


def _until(run: Run, act: Act[[]], release: Release, done: Callable[[Release], bool], tries: int) -> Release:
    """Repeat a step until it is done or the release has ended: once more at once, then ever more slowly."""
    for attempt in range(tries):
        release = run.step(act, release)
        if release.ending or done(release):
            return release
        if attempt:
            run.wait(timedelta(seconds=min(15, attempt)))
    return release.ended(Status.FAILED, f"{act.__name__} was not done after {tries} tries")


def smoke_test(run: Run, release: Release) -> Release:
    """Call the version before it has traffic."""
    release = run.step(publishing.smoke_test, release)
    if release.ending:
        return release
    return _until(run, publishing.provision_concurrency, release, lambda found: found.concurrency_ready, ACTIVE_TRIES)


def shift_in_stages(run: Run, release: Release) -> Release:
    """Shift traffic to the version stage by stage, and watch it."""
    release = run.step(shifting.plan_stages, release)
    holding = hold_waits(release.stages)
    for stage in release.stages:
        if release.weight <= stage.weight and not release.ending:
            release = _bake(run, run.step(shifting.shift, release, stage), stage, holding)
    return release


def _bake(run: Run, release: Release, stage: Stage, holding: Iterator[timedelta]) -> Release:
    """Check the version about ten times, then decide."""
    for wait in bake_waits(stage):
        if _bake_is_over(release, stage):
            return release
        run.wait(wait)
        release = _look(run, release)
    return _conclude(run, release, stage, holding)


def _bake_is_over(release: Release, stage: Stage) -> bool:
    """Return whether the bake is over early: the release ended, or a command promoted it to a later stage."""
    return release.ending is not None or release.weight > stage.weight


def _look(run: Run, release: Release) -> Release:
    release = run.step(looking.look, release)
    verdict = release.verdict
    if not release.ending and verdict and verdict.health is Health.UNHEALTHY:
        return run.step(shifting.roll_back, release, verdict.reason)
    return release


def _conclude(run: Run, release: Release, stage: Stage, holding: Iterator[timedelta]) -> Release:
    """End a bake: go on when the version is healthy; else hold, go on or go back as the manifest demands."""
    policy = release.manifest.rollout.inconclusive
    while not _bake_is_over(release, stage):
        health = required(release.verdict).health
        if not release.paused and (health is Health.HEALTHY or (health is Health.INCONCLUSIVE and policy == "promote")):
            return release
        if not release.paused and health is Health.INCONCLUSIVE and policy == "roll-back":
            return run.step(shifting.roll_back, release, f"too little traffic: {required(release.verdict).reason}")
        wait = next(holding, None)
        if wait is None:
            return run.step(shifting.roll_back, release, f"held too long; the last verdict was {release.verdict}")
        run.wait(wait)
        release = _look(run, release)
    return release
