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
from aws_durable_execution_sdk_python.config import Duration, StepConfig, StepSemantics
from aws_durable_execution_sdk_python.exceptions import StepError
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy

TWICE = create_retry_strategy(RetryStrategyConfig(max_attempts=2, initial_delay=Duration.from_seconds(1)))

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

@durable_step
def die(step: StepContext):
    print('heard "a death"', flush=True)
    os._exit(9)

@durable_step
def fill(step: StepContext, size):
    return "x" * (size - 2)  # and two quotation marks

@durable_execution
def handler(event, context):
    if event.get("die"):
        try:
            context.step(die(), config=StepConfig(step_semantics=StepSemantics(event["die"]), retry_strategy=TWICE))
        except StepError as error:
            return error.error_type
    if event.get("fill"):
        return len(context.step(fill(event["fill"])))
    if event.get("dawdle"):
        return [context.step(add(1)), context.step(dawdle())]
    number = context.step(add(event["number"]))
    context.wait(Duration.from_seconds(event["wait"]))
    if event.get("fail"):
        raise ValueError("no hat")
    return [context.step(add(number)), os.getpid()]
"""


@pytest.fixture(scope="module")
def queue(local_aws: LocalAws) -> str:
    """Return the URL of the durable function's dead letter queue."""
    return str(local_aws.client("sqs").create_queue(QueueName="dead-executions")["QueueUrl"])


@pytest.fixture(scope="module")
def durable(local_aws: LocalAws, queue: str) -> str:
    """Return a durable function with a version 1: it adds one, waits, adds one."""
    arn = local_aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    name = create(
        local_aws,
        DURABLE,
        Timeout=30,
        DeadLetterConfig={"TargetArn": arn["QueueArn"]},
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


def test_a_step_that_is_killed_each_time_is_tried_until_the_execution_times_out(
    local_aws: LocalAws, durable: str
) -> None:
    """Source: Lambda developer guide, retries for durable functions; the SDK's step counts no attempt for it."""
    arn = invoke(local_aws, durable, {"die": "AT_LEAST_ONCE_PER_RETRY"})["DurableExecutionArn"]
    until(lambda: len(heard(local_aws, durable)) > 8)  # the SDK's runner by itself ends it after five
    assert status(local_aws, arn) == "RUNNING"
    local_aws.client("lambda").stop_durable_execution(DurableExecutionArn=arn)


def test_a_step_that_runs_at_most_once_a_try_ends_when_its_tries_are_used_up(local_aws: LocalAws, durable: str) -> None:
    """The handler gets this error: by its name deployer/rollout/run.py knows that a step outgrew the function."""
    arn = invoke(local_aws, durable, {"die": "AT_MOST_ONCE_PER_RETRY"})["DurableExecutionArn"]
    assert _ended(local_aws, arn) == "SUCCEEDED"
    result = local_aws.client("lambda").get_durable_execution(DurableExecutionArn=arn)["Result"]
    assert json.loads(result).endswith("StepInterruptedError")


def test_a_step_keeps_a_result_of_262144_bytes_and_none_that_is_larger(local_aws: LocalAws, durable: str) -> None:
    """The service answers 400, and the SDK ends the execution: aws/aws-durable-execution-sdk-python#342."""
    for size, end in ((262_144, "SUCCEEDED"), (262_145, "FAILED")):
        arn = invoke(local_aws, durable, {"fill": size})["DurableExecutionArn"]
        assert _ended(local_aws, arn) == end


def _ended(aws: LocalAws, arn: str) -> str:
    until(lambda: status(aws, arn) != "RUNNING")
    return status(aws, arn)


@pytest.mark.parametrize("how", ["FAILED", "STOPPED"])
def test_an_asynchronous_execution_that_died_leaves_its_event_in_the_dead_letter_queue(
    local_aws: LocalAws, durable: str, queue: str, how: str
) -> None:
    """Source: Lambda developer guide, best practices for durable functions."""
    event = {"number": 1, "wait": 3600 if how == "STOPPED" else 1, "fail": True, "of": how}
    arn = invoke(local_aws, durable, event)["DurableExecutionArn"]
    if how == "STOPPED":
        local_aws.client("lambda").stop_durable_execution(DurableExecutionArn=arn)
    assert until(lambda: event in _letters(local_aws, queue))


def test_an_execution_that_somebody_waited_for_leaves_nothing_in_the_dead_letter_queue(
    local_aws: LocalAws, durable: str, queue: str
) -> None:
    event = {"number": 1, "wait": 1, "fail": True, "of": "waited for"}
    assert "FunctionError" in invoke(local_aws, durable, event, InvocationType="RequestResponse")
    invoke(local_aws, durable, event | {"of": "nobody"})
    assert until(lambda: event | {"of": "nobody"} in (letters := _letters(local_aws, queue)) and letters)
    assert event not in _letters(local_aws, queue)


def _letters(aws: LocalAws, queue: str) -> list[dict[str, Any]]:
    """Return the events in the queue; none is deleted, and each is visible again at once."""
    received = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [json.loads(message["Body"]) for message in received.get("Messages", [])]
