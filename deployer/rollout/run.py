"""One durable execution: how its steps are kept, repeated and bounded. Knows nothing of what they do."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate

from aws_durable_execution_sdk_python import DurableContext, DurableOperationError
from aws_durable_execution_sdk_python.config import Duration, JitterStrategy, StepConfig, StepSemantics
from aws_durable_execution_sdk_python.exceptions import StepInterruptedError
from aws_durable_execution_sdk_python.retries import RetryDecision, RetryStrategyConfig, create_retry_strategy

from deployer import telemetry
from deployer.aws import aws
from deployer.aws.errors import RefusedError, is_throttled
from deployer.deployer import Deployer
from deployer.model.release import Release
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
