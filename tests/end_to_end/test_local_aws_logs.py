"""The local AWS keeps and finds the events of functions' logs as CloudWatch Logs does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.aws.logs import Logs
from deployer.decisions.logged_error import TERMS, most_common
from tests.local import LocalAws
from tests.local.functions import await_update, create

FAILING = """
def handler(event, context):
    print("a line of its own")
    return event["feature_store"]
"""


@pytest.fixture(scope="module", params=["Text", "JSON"])
def function(local_aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield a function whose version 1 fails and whose version 2 does not, and which both were called."""
    client = local_aws.client("lambda")
    name = create(local_aws, FAILING, LoggingConfig={"LogFormat": request.param})
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Description="the second")
    await_update(local_aws, name)
    client.publish_version(FunctionName=name)
    for version, event in (("1", {}), ("2", {"feature_store": "there"})):
        client.invoke(FunctionName=name, Qualifier=version, Payload=json.dumps(event))
    yield name
    client.delete_function(FunctionName=name)


def found(aws: LocalAws, name: str, **how: Any) -> list[str]:  # noqa: ANN401
    answer = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}", **how)
    return [event["message"] for event in answer["events"]]


def streams(aws: LocalAws, name: str) -> dict[str, str]:
    """Return the streams' names, by version."""
    listed = aws.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    return {one["logStreamName"].partition("[")[2][0]: one["logStreamName"] for one in listed}


def test_a_stream_is_named_by_day_and_version(local_aws: LocalAws, function: str) -> None:
    """Source: Lambda developer guide, viewing CloudWatch logs."""
    first = streams(local_aws, function)["1"]
    day, version, _ = first.replace("]", "[").split("[")
    assert (day.count("/"), version) == (3, "1")
    assert any("Version: 1" in line for line in found(local_aws, function, logStreamNamePrefix=f"{day}[1]"))
    assert not any("Version: 2" in line for line in found(local_aws, function, logStreamNamePrefix=f"{day}[1]"))


def test_a_stream_of_a_chosen_group_bears_the_functions_name(local_aws: LocalAws) -> None:
    """Source: Lambda developer guide, configuring CloudWatch log groups."""
    name = create(local_aws, FAILING, LoggingConfig={"LogGroup": "/chosen"})
    local_aws.client("lambda").invoke(FunctionName=name)
    listed = local_aws.client("logs").describe_log_streams(logGroupName="/chosen")["logStreams"]
    assert f"/{name}[$LATEST]" in listed[0]["logStreamName"]


def test_a_traceback_is_one_event(local_aws: LocalAws, function: str) -> None:
    (event,) = [line for line in found(local_aws, function) if "KeyError" in line]
    assert "feature_store" in event
    assert ", line 4" in event


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("?KeyError", True),
        ('?nothing ?"KeyError"', True),
        ("?Key", False),
        ("?keyerror", False),
        ("?KeyError nothing", False),
        ("KeyError -feature_store", False),
    ],
)
def test_terms_are_words_in_their_case(local_aws: LocalAws, function: str, pattern: str, *, matches: bool) -> None:
    """Source: CloudWatch Logs user guide, filter pattern syntax, unstructured log events."""
    assert any("KeyError" in line for line in found(local_aws, function, filterPattern=pattern)) is matches


def test_the_newest_may_come_first(local_aws: LocalAws, function: str) -> None:
    assert found(local_aws, function, startFromHead=False) == found(local_aws, function)[::-1]


def test_what_aws_refuses_is_refused(local_aws: LocalAws, function: str) -> None:
    for how in ({"filterPattern": "?ERROR.not quoted"}, {"logStreamNamePrefix": "2026", "logStreamNames": ["2026"]}):
        with pytest.raises(ClientError, match="InvalidParameterException"):
            found(local_aws, function, **how)


def test_the_deployer_finds_the_error_of_the_version_it_asks_for(local_aws: LocalAws, function: str) -> None:
    logs, until = Logs(lambda: local_aws.client("logs")), datetime.now(UTC)
    since = until - timedelta(hours=1)
    named = {version: most_common(logs.events(function, version, since, until, TERMS)) for version in ("1", "2", "12")}
    assert named == {"1": "KeyError: 'feature_store', app.py:4", "2": None, "12": None}
