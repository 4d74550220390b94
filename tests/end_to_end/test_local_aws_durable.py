"""The local AWS runs durable functions as Lambda does: by qualified name, once for a name, watched and stopped."""

import json
from typing import Any

import pytest

from tests.local import LocalAws
from tests.local.functions import WITH_PACKAGES, create, heard, listen, listener
from tests.local.waiting import until

DURABLE = """
import os, pathlib, tempfile, time
from aws_durable_execution_sdk_python import StepContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration

@durable_step
def add(step: StepContext, number):
    return number + 1

@durable_step
def dawdle(step: StepContext):
    marker = pathlib.Path(tempfile.gettempdir(), "dawdled")
    if not marker.exists():
        marker.touch()
        time.sleep(60)
    return "done"

@durable_execution
def handler(event, context):
    if event.get("dawdle"):
        return [context.step(add(1)), context.step(dawdle())]
    number = context.step(add(event["number"]))
    context.wait(Duration.from_seconds(event["wait"]))
    if event.get("fail"):
        raise ValueError("no hat")
    return [context.step(add(number)), os.getpid()]
"""


@pytest.fixture(scope="module")
def durable(local_aws: LocalAws) -> str:
    """A durable function with a version 1: it adds one, waits, adds one."""
    name = create(
        local_aws,
        DURABLE,
        Timeout=30,
        Environment={"Variables": WITH_PACKAGES},
        DurableConfig={"ExecutionTimeout": 36_000, "RetentionPeriodInDays": 1},
    )
    local_aws.client("lambda").publish_version(FunctionName=name)
    return name


def invoke(aws: LocalAws, name: str, event: dict[str, Any], **how: Any) -> dict[str, Any]:  # noqa: ANN401 - Invoke's own
    request = {"Qualifier": "1", "InvocationType": "Event"} | how
    answer: dict[str, Any] = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), **request)
    return answer


def status(aws: LocalAws, arn: str) -> str:
    return str(aws.client("lambda").get_durable_execution(DurableExecutionArn=arn)["Status"])


def test_a_durable_function_sleeps_and_goes_on_where_it_was(local_aws: LocalAws, durable: str) -> None:
    answer = invoke(local_aws, durable, {"number": 1, "wait": 30}, InvocationType="RequestResponse")
    assert json.loads(answer["Payload"].read())[0] == 3
    arn = answer["DurableExecutionArn"]
    assert f":function:{durable}:1/durable-execution/" in arn
    history = local_aws.client("lambda").get_durable_execution_history(DurableExecutionArn=arn)["Events"]
    steps = [event["EventType"] for event in history if "Succeeded" in event["EventType"]]
    assert steps == ["StepSucceeded", "WaitSucceeded", "StepSucceeded", "ExecutionSucceeded"]


def test_a_name_starts_one_execution_and_refuses_another_payload(local_aws: LocalAws, durable: str) -> None:
    client, event = local_aws.client("lambda"), {"number": 1, "wait": 1}
    first, again = (invoke(local_aws, durable, event, DurableExecutionName="one") for _ in range(2))
    assert first["DurableExecutionArn"] == again["DurableExecutionArn"]
    with pytest.raises(client.exceptions.DurableExecutionAlreadyStartedException):
        invoke(local_aws, durable, event | {"number": 2}, DurableExecutionName="one")
    until(lambda: status(local_aws, first["DurableExecutionArn"]) == "SUCCEEDED")
    assert (
        invoke(local_aws, durable, event, DurableExecutionName="one")["DurableExecutionArn"]
        == again["DurableExecutionArn"]
    )


def test_a_durable_function_is_invoked_by_a_version_that_exists(local_aws: LocalAws, durable: str) -> None:
    client = local_aws.client("lambda")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="unqualified"):
        client.invoke(FunctionName=durable, Payload="{}")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        invoke(local_aws, durable, {}, Qualifier="9")


def test_an_execution_can_be_listed_and_stopped(local_aws: LocalAws, durable: str) -> None:
    client = local_aws.client("lambda")
    arn = invoke(local_aws, durable, {"number": 1, "wait": 7200}, DurableExecutionName="stopped")["DurableExecutionArn"]
    running = client.list_durable_executions_by_function(FunctionName=durable, Statuses=["RUNNING"])
    assert arn in [one["DurableExecutionArn"] for one in running["DurableExecutions"]]
    client.stop_durable_execution(DurableExecutionArn=arn)
    assert status(local_aws, arn) == "STOPPED"
    named = client.list_durable_executions_by_function(FunctionName=durable, DurableExecutionName="stopped")
    assert [one["Status"] for one in named["DurableExecutions"]] == ["STOPPED"]


def test_an_unknown_execution_is_not_found(local_aws: LocalAws, durable: str) -> None:
    client = local_aws.client("lambda")
    arn = invoke(local_aws, durable, {"number": 1, "wait": 1})["DurableExecutionArn"]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_durable_execution(DurableExecutionArn=arn + "0")


def test_a_failed_execution_is_told_to_eventbridge(local_aws: LocalAws, durable: str) -> None:
    name = listener(local_aws)
    listen(local_aws, name, {"source": ["aws.lambda"], "detail": {"status": ["FAILED"]}})
    arn = invoke(local_aws, durable, {"number": 1, "wait": 1, "fail": True})["DurableExecutionArn"]
    (event,) = until(lambda: heard(local_aws, name))
    assert event["detail-type"] == "Durable Execution Status Change"
    assert event["detail"]["durableExecutionArn"] == arn
    assert event["detail"]["functionArn"].endswith(f":function:{durable}:1")


def test_an_execution_whose_process_is_killed_in_its_sleep_goes_on_in_a_new_one(
    local_aws: LocalAws, durable: str
) -> None:
    arn = invoke(local_aws, durable, {"number": 1, "wait": 60})["DurableExecutionArn"]
    client = local_aws.client("lambda")
    until(lambda: "WaitStarted" in str(client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]))
    local_aws.kill(durable)
    until(lambda: status(local_aws, arn) == "SUCCEEDED")


def test_an_execution_whose_process_is_killed_in_a_step_runs_that_step_again(local_aws: LocalAws, durable: str) -> None:
    client = local_aws.client("lambda")
    arn = invoke(local_aws, durable, {"dawdle": True})["DurableExecutionArn"]
    until(lambda: "dawdle" in str(client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]))
    local_aws.kill(durable)
    until(lambda: status(local_aws, arn) == "SUCCEEDED")
    history = client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
    assert [event["Name"] for event in history if event["EventType"] == "StepSucceeded"] == ["add", "dawdle"]
