"""The end of a durable execution is told to EventBridge, which is how anybody learns that a rollout died.

https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html
"""

import threading
from collections.abc import Callable
from typing import Any

from aws_durable_execution_sdk_python_testing.executor import Executor
from ministack.core.responses import request_scope

from tests.local import events
from tests.local.configuration import ACCOUNT, REGION
from tests.local.upstream import around, needs


def complete_events(original: Callable[..., None], self: Executor, execution_arn: str) -> None:
    """Let the runner finish, then tell; on a thread of its own, because a target may ask the runner."""
    original(self, execution_arn)
    threading.Thread(target=_tell, args=(self, execution_arn), daemon=True).start()


def _tell(executor: Executor, arn: str) -> None:
    found = executor.get_execution_details(arn)
    detail: dict[str, Any] = {
        "durableExecutionArn": arn,
        "durableExecutionName": found.durable_execution_name,
        "functionArn": found.function_arn,
        "status": found.status,
        "startTimestamp": events.timestamp(found.start_timestamp.timestamp()),
    }
    if found.end_timestamp is not None:
        detail["endTimestamp"] = events.timestamp(found.end_timestamp.timestamp())
    with request_scope(ACCOUNT, REGION):
        events.put("aws.lambda", "Durable Execution Status Change", [arn], detail)


def install() -> None:
    """Listen where the runner ends executions."""
    needs(Executor, "get_execution_details")
    around(Executor, "_complete_events", complete_events)
