"""A durable engine as small as it can be: steps whose results are kept, waits, retries, resumption, a week's life.

It runs the rollout's own handler. test_stand_ins.py compares it with the runner of AWS's SDK, as far as both must
agree. Sources: AWS Lambda developer guide, durable functions, retries for durable functions (an invocation that died is
repeated "until the function succeeds or the execution timeout is reached"), quotas; the SDK's step and wait operations;
for a step's result, aws/aws-durable-execution-sdk-python#342.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws_durable_execution_sdk_python.config import Duration, StepConfig, StepSemantics
from aws_durable_execution_sdk_python.context import ExecutionContext
from aws_durable_execution_sdk_python.exceptions import ExecutionError, StepError, StepInterruptedError

from deployer import rollout
from tests.faults.account import Account
from tests.faults.faults import Killed
from tests.faults.functions import execution_arn
from tests.reliances.limits import OPERATIONS, PERSISTED, STEP_RESULT

TIMEOUT = timedelta(days=7)
"""The execution timeout of template.yaml."""
BACKOFF = timedelta(hours=6)
"""Between two invocations that die, at most; the service's own pauses are not documented."""
_run: Callable[[Any, Any], dict[str, str]] = rollout.handler.__wrapped__  # type: ignore[attr-defined]  # functools.wraps


class Suspended(BaseException):
    """The execution sleeps: as in the SDK, nothing that catches errors may catch this."""


@dataclass
class Kept:
    """The result of one operation: a step's, its failure, or a wait's end."""

    name: str
    result: str = "null"
    failure: tuple[str, str] | None = None
    until: datetime | None = None


@dataclass
class Execution:
    """One durable execution."""

    name: str
    payload: str
    wake: datetime
    kept: list[Kept] = field(default_factory=list)
    attempts: int = 0
    """Failed attempts of the present step."""
    started: bool = False
    """True if the service knows that the present step has begun: only an at-most-once step waits for that."""
    deaths: int = 0
    """Invocations in a row that died."""
    began: datetime = field(init=False)
    status: str = "RUNNING"
    result: dict[str, str] | None = None

    def __post_init__(self) -> None:
        """Begin when it may first run."""
        self.began = self.wake

    @property
    def ends(self) -> datetime:
        """The time at which the service ends it."""
        return self.began + TIMEOUT

    @property
    def arn(self) -> str:
        """As the service makes it. Source: Lambda API reference, Execution, DurableExecutionArn."""
        return execution_arn(self.name)


class Context:
    """The durable context of the rollout during one invocation."""

    def __init__(self, account: Account, execution: Execution) -> None:
        self._account = account
        self._execution = execution
        self._next = 0
        self.execution_context = ExecutionContext(durable_execution_arn=execution.arn)

    def step(self, body: Callable[[object], Any], name: str, config: StepConfig) -> Any:  # noqa: ANN401 - any JSON
        """Run a step, or return what it returned before."""
        kept = self._kept()
        if kept is None:
            kept = self._attempt(body, name, config)
        if kept.failure:
            raise StepError(kept.failure[1], kept.failure[0])
        return json.loads(kept.result)

    def _attempt(self, body: Callable[[object], Any], name: str, config: StepConfig) -> Kept:
        try:
            self._start(name, config)
            found = Kept(name, json.dumps(body(None)))
        except Exception as error:  # noqa: BLE001 - as the SDK's step
            decision = config.retry_strategy(error, self._execution.attempts + 1)  # type: ignore[misc]  # always given
            if decision.should_retry:
                self._account.checkpoint(f"retry {name}", lambda: self._try_later(decision.delay))
                raise Suspended from None
            found = Kept(name, failure=(type(error).__name__, str(error)))
        self._account.checkpoint(name, lambda: self._keep(found))
        return found

    def _start(self, name: str, config: StepConfig) -> None:
        """Note that a step begins that must not be begun twice in one try."""
        if config.step_semantics is not StepSemantics.AT_MOST_ONCE_PER_RETRY:
            return
        if self._execution.started:
            raise StepInterruptedError(f"{name} was previously interrupted")
        self._account.checkpoint(f"start {name}", self._started)

    def _started(self) -> None:
        self._execution.started = True

    def _try_later(self, delay: Duration) -> None:
        self._execution.attempts += 1
        self._execution.started = False
        self._execution.wake = self._account.now + timedelta(seconds=delay.to_seconds())

    def wait(self, duration: Duration) -> None:
        """Sleep until a time; the invocation ends meanwhile."""
        kept = self._kept()
        if kept is None:
            kept = Kept("wait", until=self._account.now + timedelta(seconds=duration.to_seconds()))
            self._account.checkpoint("wait", lambda: self._keep(kept))
        if kept.until and kept.until > self._account.now:
            self._execution.wake = kept.until
            raise Suspended

    def _kept(self) -> Kept | None:
        self._next += 1
        return self._execution.kept[self._next - 1] if self._next <= len(self._execution.kept) else None

    def _keep(self, kept: Kept) -> None:
        if len(kept.result.encode()) > STEP_RESULT:
            raise ExecutionError(f"STEP output payload size must be less than or equal to {STEP_RESULT} bytes.")
        self._execution.kept.append(kept)
        if sum(len(one.result.encode()) for one in self._execution.kept) > PERSISTED:
            raise ExecutionError(f"an execution keeps at most {PERSISTED} bytes")
        self._execution.attempts, self._execution.started = 0, False
        if len(self._execution.kept) > OPERATIONS:
            raise AssertionError("an execution has at most 3,000 operations")


def invoke(account: Account, execution: Execution) -> None:
    """Run an execution until it sleeps, ends or dies."""
    if account.now >= execution.ends:
        execution.status = "TIMED_OUT"
        return
    account.begin(f"rollout {execution.name}")
    try:
        execution.result = _run(json.loads(execution.payload), Context(account, execution))
    except Suspended:
        execution.deaths = 0
    except Killed:
        execution.deaths += 1
        execution.wake = account.now + min(BACKOFF, timedelta(seconds=5) * 2 ** min(execution.deaths, 12))
    except Exception as error:  # noqa: BLE001 - as the SDK: an error of the handler's own code fails the execution
        execution.status, execution.result = "FAILED", {"error": repr(error)}
    else:
        execution.status = "SUCCEEDED"
    execution.wake = min(execution.wake, execution.ends)
