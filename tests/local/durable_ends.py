"""EventBridge gets the end of a durable execution, and the dead letter queue an asynchronous one that failed.

https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html (the event)
https://docs.aws.amazon.com/lambda/latest/dg/durable-best-practices.html (the dead letter queue)
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (the message)
"""

import threading
from collections.abc import Callable
from typing import Any

from aws_durable_execution_sdk_python_testing.executor import Executor
from aws_durable_execution_sdk_python_testing.model import GetDurableExecutionResponse
from ministack.core.responses import request_scope
from ministack.services import lambda_svc

from tests.local import events, queues
from tests.local.configuration import ACCOUNT, REGION
from tests.local.durable_runner import Runner, Start
from tests.local.upstream import around, needs


def watch(runner: Runner) -> None:
    """Listen where the runner ends executions."""

    def complete_events(original: Callable[..., None], self: Executor, execution_arn: str) -> None:
        original(self, execution_arn)
        found = self.get_execution_details(execution_arn)
        arguments = found, runner.started(ACCOUNT, found.durable_execution_name)
        threading.Thread(target=_tell, args=arguments, daemon=True).start()  # a target may ask the runner

    needs(Executor, "get_execution_details")
    needs(lambda_svc, "_functions")
    around(Executor, "_complete_events", complete_events)


def _tell(found: GetDurableExecutionResponse, start: Start) -> None:
    detail: dict[str, Any] = {
        "durableExecutionArn": found.durable_execution_arn,
        "durableExecutionName": found.durable_execution_name,
        "functionArn": found.function_arn,
        "status": found.status,
        "startTimestamp": events.timestamp(found.start_timestamp.timestamp()),
    }
    if found.end_timestamp is not None:
        detail["endTimestamp"] = events.timestamp(found.end_timestamp.timestamp())
    with request_scope(ACCOUNT, REGION):
        if found.status != "SUCCEEDED" and start.asynchronous:
            _bury(found, start)
        events.put("aws.lambda", "Durable Execution Status Change", [found.durable_execution_arn], detail)


def _bury(found: GetDurableExecutionResponse, start: Start) -> None:
    queue = (lambda_svc._functions[start.function]["config"].get("DeadLetterConfig") or {}).get("TargetArn")
    said = (found.error.message if found.error else None) or found.status
    if queue:
        queues.put(queue, start.payload, {"RequestID": start.name, "ErrorCode": "200", "ErrorMessage": said[:1024]})
