"""The local AWS routes, counts, publishes and refuses as Lambda does."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local import LocalAws
from tests.local.functions import await_update, create, package
from tests.local.waiting import until

VERSIONED = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError(context.function_version)
    return [context.function_version, context.invoked_function_arn]
"""


@pytest.fixture
def two_versions(local_aws: LocalAws) -> Iterator[str]:
    """Yield a function with versions 1 and 2, and its alias `live` on version 1."""
    client, name = local_aws.client("lambda"), create(local_aws, VERSIONED)
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Description="the second")
    await_update(local_aws, name)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    yield name
    client.delete_function(FunctionName=name)


def call(aws: LocalAws, name: str, event: object = None, **how: Any) -> dict[str, Any]:  # noqa: ANN401
    answer: dict[str, Any] = aws.client("lambda").invoke(
        FunctionName=name, Qualifier="live", Payload=json.dumps(event or {}), **how
    )
    return answer


def shift(aws: LocalAws, name: str, weight: float) -> None:
    weights = {"2": weight} if weight else {}
    aws.client("lambda").update_alias(
        FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": weights}
    )


def test_a_weighted_version_gets_its_share_and_the_function_knows_its_alias(
    local_aws: LocalAws, two_versions: str
) -> None:
    shift(local_aws, two_versions, 0.25)
    answers = [call(local_aws, two_versions) for _ in range(200)]
    shares = Counter(answer["ExecutedVersion"] for answer in answers)
    assert 20 <= shares["2"] <= 80  # 50 expected, five standard deviations either way
    version, arn = json.loads(answers[-1]["Payload"].read())
    assert version == answers[-1]["ExecutedVersion"]
    assert arn.endswith(f":function:{two_versions}:live")


@pytest.mark.parametrize("invocation_type", ["RequestResponse", "Event"])
def test_every_invocation_is_counted_by_the_version_that_ran(
    local_aws: LocalAws, two_versions: str, invocation_type: str
) -> None:
    shift(local_aws, two_versions, 1.0)
    client = local_aws.client("lambda")
    client.put_function_event_invoke_config(FunctionName=two_versions, Qualifier="2", MaximumRetryAttempts=0)
    for fail in (False, True):
        call(local_aws, two_versions, {"fail": fail}, InvocationType=invocation_type)
    alias = {"FunctionName": two_versions, "Resource": f"{two_versions}:live"}
    of_two, of_one = alias | {"ExecutedVersion": "2"}, alias | {"ExecutedVersion": "1"}
    until(lambda: total(local_aws, "Invocations", of_two) >= 2)
    assert total(local_aws, "Errors", of_two) == total(local_aws, "Errors", alias) == 1
    assert total(local_aws, "Invocations", of_one) == 0
    assert total(local_aws, "Invocations", {"FunctionName": two_versions}) == 2


def test_a_version_is_published_only_of_what_was_expected_and_once_the_update_is_through(local_aws: LocalAws) -> None:
    client, name = local_aws.client("lambda"), create(local_aws, VERSIONED)
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="CodeSHA256"):
        client.publish_version(FunctionName=name, CodeSha256="47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    client.update_function_code(FunctionName=name, ZipFile=package("def handler(event, context): pass"))
    with pytest.raises(client.exceptions.ResourceConflictException, match="update is in progress"):
        client.publish_version(FunctionName=name)


def test_every_alias_write_is_recorded_with_what_it_believed(local_aws: LocalAws, two_versions: str) -> None:
    client = local_aws.client("lambda")
    believed = client.get_alias(FunctionName=two_versions, Name="live")["RevisionId"]
    client.update_alias(FunctionName=two_versions, Name="live", FunctionVersion="2", RevisionId=believed)
    (write,) = [
        call
        for call in local_aws.calls()
        if call.action == "UpdateAlias" and call.parameters["FunctionName"] == two_versions
    ]
    assert write.parameters == {
        "FunctionName": two_versions,
        "Name": "live",
        "FunctionVersion": "2",
        "RevisionId": believed,
    }
    assert (write.status, write.caller) == (200, "")


def total(aws: LocalAws, metric: str, dimensions: dict[str, str]) -> float:
    query = {
        "Id": "wanted",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            },
            "Period": 60,
            "Stat": "Sum",
        },
    }
    now = time.time()
    (found,) = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - 600, EndTime=now + 60
    )["MetricDataResults"]
    return float(sum(found["Values"]))
