"""AWS's own local runner for durable executions, behind its own HTTP interface.

Added to it: execution names that deduplicate, ARNs as the service makes them, a clock that can run fast. It keeps
executions in memory: they end with the local AWS.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest
from aws_durable_execution_sdk_python_testing import WebRunner, WebRunnerConfig, runner
from aws_durable_execution_sdk_python_testing.execution import Execution
from aws_durable_execution_sdk_python_testing.executor import Executor
from aws_durable_execution_sdk_python_testing.model import StartDurableExecutionInput
from aws_durable_execution_sdk_python_testing.web.server import WebServiceConfig

from tests.local.clock import ScaledClock
from tests.local.configuration import REGION
from tests.local.upstream import around, needs

API = "/2025-12-01/"


class AlreadyStartedError(Exception):
    """An execution of that name runs or ran with another payload; the text is its ARN."""


@dataclass(frozen=True)
class Start:
    """A wish to start an execution; `timeout` in seconds, `retention` in days."""

    account: str
    function: str
    version: str
    payload: str
    name: str
    timeout: int
    retention: int
    asynchronous: bool
    """True if the starter did not wait for the result."""

    def request(self) -> bytes:
        """As the runner wants to be asked."""
        fields = {
            "AccountId": self.account,
            "FunctionName": self.function,
            "FunctionQualifier": self.version,
            "ExecutionName": self.name,
            "ExecutionTimeoutSeconds": self.timeout,
            "ExecutionRetentionPeriodDays": self.retention,
            "Input": self.payload,
        }
        return json.dumps(fields).encode()


@dataclass(frozen=True)
class Answer:
    """The runner's answer to one request."""

    status: int
    headers: dict[str, str]
    body: bytes


class Runner:
    """The runner, and the names of what it was asked to run."""

    def __init__(self, endpoint: str, speed: float) -> None:
        _set_speed(speed)
        _try_for_ever()
        around(Execution, "new", with_real_arn)
        self._names: dict[tuple[str, str], tuple[str, Start]] = {}
        self._lock = threading.Lock()
        web = WebServiceConfig(host="127.0.0.1", port=0)
        self._runner = WebRunner(WebRunnerConfig(web, lambda_endpoint=endpoint, local_runner_region=REGION))
        self._runner.start()
        needs(self._runner, "_server")
        self._port = self._runner._server.server_port  # type: ignore[union-attr] # started just now
        threading.Thread(target=self._runner.serve_forever, daemon=True, name="durable").start()

    def start(self, wanted: Start) -> str:
        """Start an execution, or find the one started by the same name and payload: its ARN.

        Names are unique in an account and region, also of executions that ended.
        https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html
        """
        key = wanted.account, wanted.name
        with self._lock:
            if key not in self._names:
                self._names[key] = "", wanted  # known before it can end
                self._names[key] = self._begin(wanted), wanted
            arn, known = self._names[key]
        if known.payload != wanted.payload:
            raise AlreadyStartedError(arn)
        return arn

    def started(self, account: str, name: str) -> Start:
        """Return the request under a name."""
        return self._names[account, name][1]

    def running(self, function: str) -> list[str]:
        """Return the ARNs of a function's executions that have not ended."""
        listed = json.loads(self.call("GET", f"{API}functions/{function}/durable-executions").body)
        executions = listed.get("DurableExecutions", [])
        return [one["DurableExecutionArn"] for one in executions if one["Status"] == "RUNNING"]

    def call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Pass one request on."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return Answer(answer.status, {"Content-Type": "application/json"}, answer.read())

    def describe(self, arn: str) -> dict[str, Any]:
        """Return GetDurableExecution's answer about `arn`."""
        path = f"{API}durable-executions/{quote(arn, safe='')}?IncludeExecutionData=true"
        found: dict[str, Any] = json.loads(self.call("GET", path).body)
        return found

    def _begin(self, wanted: Start) -> str:
        answer = self.call("POST", "/start-durable-execution", wanted.request())
        if answer.status != 201:
            raise RuntimeError(f"the durable runner answered {answer.status}: {answer.body!r}")
        return str(json.loads(answer.body)["ExecutionArn"])


def with_real_arn(original: Callable[..., Execution], input: StartDurableExecutionInput) -> Execution:  # noqa: A002
    """Name an execution as the service does; the runner's own ARN is a bare UUID.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecution.html
    """
    execution = original(input)
    function = f"arn:aws:lambda:{REGION}:{input.account_id}:function:{input.function_name}:{input.function_qualifier}"
    token = execution.durable_execution_arn.rsplit("/", 1)[-1]
    execution.durable_execution_arn = f"{function}/durable-execution/{input.execution_name}/{token}"
    return execution


@contextmanager
def real_arns() -> Iterator[None]:
    """Have runners that are begun in this process name executions as the service does."""
    needs(Execution, "new")
    original = Execution.new
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Execution, "new", lambda input: with_real_arn(original, input))  # noqa: A006 - the runner's name
        yield


def _try_for_ever() -> None:
    """Lift the runner's limit of five invocations in a row that die.

    The service tries "until the function succeeds or the execution timeout is reached".
    https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-sdk-retries.html
    """
    needs(Executor, "MAX_CONSECUTIVE_FAILED_ATTEMPTS")
    setattr(Executor, "MAX_CONSECUTIVE_FAILED_ATTEMPTS", sys.maxsize)  # noqa: B010 - as above


def _set_speed(speed: float) -> None:
    needs(runner, "RealClock")
    needs(Executor, "RETRY_BACKOFF_SECONDS")
    clock = ScaledClock(speed)
    setattr(runner, "RealClock", lambda: clock)  # noqa: B010 - the runner offers no way to pass a clock
    setattr(Executor, "RETRY_BACKOFF_SECONDS", Executor.RETRY_BACKOFF_SECONDS / speed)  # noqa: B010 - nor this
