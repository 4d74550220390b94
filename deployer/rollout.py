"""The rollout of one release, as a durable function.

A release is inspected, bundled, published, smoke-tested, shifted in stages, and promoted or rolled back. Only this
module imports the durable execution SDK. Code outside `run.step` is replayed at every wake-up, so it reads no clock, no
environment and no service: it only decides, from values that steps returned.
"""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate

from aws_durable_execution_sdk_python import DurableContext, DurableOperationError, durable_execution
from aws_durable_execution_sdk_python.config import Duration, JitterStrategy, StepConfig, StepSemantics
from aws_durable_execution_sdk_python.exceptions import StepInterruptedError
from aws_durable_execution_sdk_python.retries import RetryDecision, RetryStrategyConfig, create_retry_strategy

from deployer import steps, telemetry
from deployer.aws import aws
from deployer.aws.errors import RefusedError, is_throttled
from deployer.deployer import Deployer
from deployer.model.drop import Drop
from deployer.model.health import Health
from deployer.model.release import Release, required
from deployer.model.stages import ACTIVE_TRIES, PUBLISH_TRIES, Stage, bake_waits, hold_waits, turn_waits
from deployer.model.status import Status
from deployer.settings import settings

type Act[**P] = Callable[Concatenate[Deployer, Release, P], Release]

_INTERRUPTIONS = 3
"""Tries of a step that exceeds the function's memory or its fifteen minutes."""
_TRIES = 12
_PATIENCE = 120
"""Tries of a step that AWS throttles, about two hours: "not yet" is no failure of a release."""
_LARGEST = 240_000
"""Bytes of a step's result. The service refuses 262,144, and with it the execution: developer guide, durable quotas."""
_again = create_retry_strategy(
    RetryStrategyConfig(
        max_attempts=_TRIES,
        initial_delay=Duration.from_seconds(1),
        max_delay=Duration.from_minutes(2),
        backoff_rate=2,
        jitter_strategy=JitterStrategy.FULL,
    )
)
"""About ten minutes of retries: throttling and short outages end within them."""


class StepFailedError(Exception):
    """A step failed permanently; the text is for the person who dropped the release."""


class ResultTooLargeError(Exception):
    """A step returned more than the durable engine keeps: some input was not bounded where it arrived."""


def _decide(error: Exception, attempts: int) -> RetryDecision:
    """Try a step again, unless that cannot help."""
    outgrown = isinstance(error, StepInterruptedError) and attempts >= _INTERRUPTIONS
    if outgrown or isinstance(error, RefusedError | ResultTooLargeError):
        return RetryDecision.no_retry()
    if is_throttled(error) and attempts < _PATIENCE:
        return _again(error, min(attempts, _TRIES - 1))
    return _again(error, attempts)


_STEP = StepConfig(retry_strategy=_decide)
_LARGE_STEP = StepConfig(retry_strategy=_decide, step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
"""For steps that may exceed the function: by default the engine would restart a killed one for seven days.

Source: AWS Lambda developer guide, retries for durable functions. Such a step may be started any number of times.
"""
_OPTIONAL_STEP = StepConfig(
    retry_strategy=lambda _error, _attempts: RetryDecision.no_retry(),
    step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY,
)
_CONFIGURATIONS = {"inspect": _LARGE_STEP, "make_bundle": _LARGE_STEP, "strengthen_bundle": _OPTIONAL_STEP}
"""By the name of the step."""


class Run:
    """One durable execution: steps whose results are kept, and waits without a running function."""

    def __init__(self, context: DurableContext, release: Release) -> None:
        self._context = context
        self.release = release
        """The release as the last successful step returned it."""

    def step[**P](self, act: Act[P], release: Release, *args: P.args, **kwargs: P.kwargs) -> Release:
        """Run a step once, across replays and restarts, and return its result."""

        def body(_: object) -> dict[str, Any]:
            deployer = Deployer(aws(), settings(), lambda: datetime.now(UTC))
            began = deployer.now()
            found = telemetry.observe(act.__name__, release, lambda: act(deployer, release, *args, **kwargs))
            found = found.after(act.__name__, deployer.now() - began)
            return _bounded(found.model_dump(mode="json", by_alias=True))

        config = _CONFIGURATIONS.get(act.__name__, _STEP)
        try:
            self.release = Release.model_validate(self._context.step(body, name=act.__name__, config=config))
        except DurableOperationError as error:
            raise StepFailedError(_why(act.__name__, error)) from error
        return self.release

    def wait(self, duration: timedelta) -> None:
        """Sleep at least this long; the function does not run until then."""
        self._context.wait(Duration.from_seconds(max(1, math.ceil(duration.total_seconds()))))


def _bounded(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result that the engine keeps."""
    size = len(json.dumps(result))
    if size > _LARGEST:
        raise ResultTooLargeError(f"its result takes {size} bytes; at most {_LARGEST} are kept")
    return result


def _why(step: str, error: DurableOperationError) -> str:
    """Return why a step failed permanently, and the remedy where one is known."""
    if error.error_type.endswith(StepInterruptedError.__name__):
        return f"{step} ran out of time or memory; raise RolloutMemory, then drop the archive again"
    if error.error_type.endswith(RefusedError.__name__):
        return str(error)
    return f"{step} failed permanently: {error}"


@durable_execution
def handler(event: dict[str, Any], context: DurableContext) -> dict[str, str]:
    """Roll out the drop of the input; the execution's result is the ending."""
    run = Run(context, Release(drop=Drop.model_validate(event)))
    name = context.execution_context.durable_execution_arn.split("/")[-2]
    release = run.step(steps.check_order, run.release, name)
    return result(release) if release.ending else carry_out(run)


def carry_out(run: Run) -> dict[str, str]:
    """Take a release to its end and return the ending; a failure on the way has an ending, too."""
    try:
        release = roll_out(run, run.release)
    except StepFailedError as error:
        release = run.step(steps.fail, run.release, str(error))
    release = run.step(steps.finish, release)
    if required(release.ending).status is Status.LIVE:
        _prepare_next(run, release)
    return result(release)


def _prepare_next(run: Run, release: Release) -> None:
    """Make the next release's bundle cheaper; this release has ended, so a failure changes nothing."""
    with suppress(StepFailedError):
        run.step(steps.strengthen_bundle, release)


def result(release: Release) -> dict[str, str]:
    """Return how a release ended."""
    ending = required(release.ending)
    return {"release": release.id, "status": ending.status, "reason": ending.reason}


def roll_out(run: Run, release: Release) -> Release:
    """Take a release through every step until it ends."""
    for act in (take_turn, inspect, bundle, publish, smoke_test, shift_in_stages, promote):
        release = act(run, release)
        if release.ending:
            break
    return release


def take_turn(run: Run, release: Release) -> Release:
    """Wait while another release of the application is being prepared, unless a newer drop is known."""
    for wait in turn_waits():
        release = run.step(steps.await_turn, release)
        if release.ending or release.has_turn:
            return release
        run.wait(wait)
    return release


def inspect(run: Run, release: Release) -> Release:
    """Refuse an archive that is hostile, broken or cannot run."""
    return run.step(steps.inspect, release)


def bundle(run: Run, release: Release) -> Release:
    """Turn the archive into the bundle that the bootstrap loads."""
    return run.step(steps.make_bundle, release)


def publish(run: Run, release: Release) -> Release:
    """Make a version of it that can be invoked."""
    release = _until(run, steps.publish, release, lambda found: found.version is not None, PUBLISH_TRIES)
    if release.ending:
        return release
    return _until(run, steps.check_active, release, lambda found: found.active, ACTIVE_TRIES)


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
    release = run.step(steps.smoke_test, release)
    return (
        release
        if release.ending
        else _until(run, steps.provision_concurrency, release, lambda found: found.concurrency_ready, ACTIVE_TRIES)
    )


def shift_in_stages(run: Run, release: Release) -> Release:
    """Shift traffic to the version stage by stage, and watch it."""
    release = run.step(steps.plan_stages, release)
    holding = hold_waits(release.stages)
    for stage in release.stages:
        if release.weight <= stage.weight and not release.ending:
            release = _bake(run, run.step(steps.shift, release, stage), stage, holding)
    return release


def _bake(run: Run, release: Release, stage: Stage, holding: Iterator[timedelta]) -> Release:
    """Check the version about ten times, then decide."""
    for wait in bake_waits(stage):
        if _settled(release, stage):
            return release
        run.wait(wait)
        release = _look(run, release)
    return _conclude(run, release, stage, holding)


def _settled(release: Release, stage: Stage) -> bool:
    """Return whether the bake is over early: the release ended, or a command promoted it to a later stage."""
    return release.ending is not None or release.weight > stage.weight


def _look(run: Run, release: Release) -> Release:
    release = run.step(steps.look, release)
    verdict = release.verdict
    if not release.ending and verdict and verdict.health is Health.UNHEALTHY:
        return run.step(steps.roll_back, release, verdict.reason)
    return release


def _conclude(run: Run, release: Release, stage: Stage, holding: Iterator[timedelta]) -> Release:
    """End a bake: go on when the version is healthy; else hold, go on or go back as the manifest demands."""
    policy = release.manifest.rollout.inconclusive
    while not _settled(release, stage):
        health = required(release.verdict).health
        if not release.paused and (health is Health.HEALTHY or (health is Health.INCONCLUSIVE and policy == "promote")):
            return release
        if not release.paused and health is Health.INCONCLUSIVE and policy == "roll-back":
            return run.step(steps.roll_back, release, f"too little traffic: {required(release.verdict).reason}")
        wait = next(holding, None)
        if wait is None:
            return run.step(steps.roll_back, release, f"held too long; the last verdict was {release.verdict}")
        run.wait(wait)
        release = _look(run, release)
    return release


def promote(run: Run, release: Release) -> Release:
    """Make the release the stable one."""
    return run.step(steps.promote, release)
