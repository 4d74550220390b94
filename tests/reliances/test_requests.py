"""The requests of every flow keep to AWS's models, permissions and limits, and a request that does not is noticed."""

from collections import Counter
from typing import Any

import pytest

from tests import template as sam
from tests.faults.account import Call
from tests.faults.flows import FLOWS, Flow, play, prepared
from tests.faults.wiring import inhabited
from tests.faults.world import World
from tests.reliances.limits import LEAST_PART, LIMITS, RATES, Limit, Rate
from tests.reliances.permissions import Need, problem
from tests.reliances.requests import violations

FUNCTION = "dropshift-app-orders"
ALIAS = {"FunctionName": FUNCTION, "Name": "live", "FunctionVersion": "2"}
BUNDLE = {"Bucket": "bundles", "Key": "bundles/orders/1-py3.13.tar.zst"}
CONFIGURED = {"FunctionName": FUNCTION, "RevisionId": "1"}
QUERY = {
    "Id": "a",
    "MetricStat": {"Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum"},
}
DATA = {"StartTime": 0.0, "EndTime": 60.0}
ENTRY = {"Source": "dropshift", "DetailType": "Release Changed", "Detail": "{}", "EventBusName": "default"}
ROLLOUT = f"arn:aws:lambda:{sam.REGION}:{sam.ACCOUNT}:function:dropshift-rollout:live"
VERSION = {"FunctionName": FUNCTION, "Qualifier": "2"}
SMOKE, START = ("lambda", "Invoke", "rollout 1"), ("lambda", "Invoke", "controller")
CONFIGURE, WRITE = ("lambda", "UpdateFunctionConfiguration", "rollout 1"), ("s3", "PutObject", "rollout 1")
PART, METRICS = ("s3", "UploadPart", "rollout 1"), ("cloudwatch", "GetMetricData", "rollout 1")
BEYOND: dict[str, tuple[tuple[str, str, str], dict[str, Any]]] = {
    "variables of a function together": (CONFIGURE, {**CONFIGURED, "Environment": {"Variables": {"A": "x" * 4_089}}}),
    "memory of a function": (CONFIGURE, {**CONFIGURED, "MemorySize": 10_241}),
    "timeout of a function": (CONFIGURE, {**CONFIGURED, "Timeout": 901}),
    "`/tmp` of a function": (CONFIGURE, {**CONFIGURED, "EphemeralStorage": {"Size": 10_241}}),
    "versions beside an alias's own": (
        ("lambda", "UpdateAlias", "controller"),
        {**ALIAS, "RoutingConfig": {"AdditionalVersionWeights": {"3": 0.1, "4": 0.1}}},
    ),
    "payload of a synchronous call": (SMOKE, {**VERSION, "Payload": bytes((6 << 20) + 1)}),
    "payload of an asynchronous call": (
        START,
        {"FunctionName": ROLLOUT, "InvocationType": "Event", "Payload": bytes((1 << 20) + 1)},
    ),
    "client context of a call": (SMOKE, {**VERSION, "ClientContext": "x" * 3_584}),
    "key of an object": (WRITE, {**BUNDLE, "Key": f"bundles/{'é' * 509}"}),
    "metadata of an object": (WRITE, {**BUNDLE, "Metadata": {"name": "x" * 2_045}}),
    "number of a part": (PART, {**BUNDLE, "UploadId": "1", "PartNumber": 10_001, "Body": b""}),
    "metrics of a request": (METRICS, {**DATA, "MetricDataQueries": [QUERY] * 501}),
    "values of a request": (METRICS, {"StartTime": 0.0, "EndTime": 6_048_001.0, "MetricDataQueries": [QUERY]}),
    "all entries of a request": (
        ("events", "PutEvents", "controller"),
        {"Entries": [{**ENTRY, "Detail": "x" * (256 << 10)}]},
    ),
}
TOO_LARGE_TO_TRY = {"object of one request", "part of an object"}
"""5 GB each."""
OTHERWISE: dict[str, tuple[tuple[str, str, str], dict[str, Any]]] = {
    "0 to 256": (("lambda", "UpdateAlias", "controller"), {**ALIAS, "Description": "x" * 257}),
    "not": (("lambda", "UpdateAlias", "controller"), {**ALIAS, "FunctionVersion": "latest"}),
    "none of": (SMOKE, {**VERSION, "LogType": "All"}),
    "0 to 100": (("cloudwatch", "DescribeAlarms", "controller"), {"AlarmNames": ["a"] * 101}),
    "may not lambda:PublishVersion": (("lambda", "PublishVersion", "controller"), {"FunctionName": FUNCTION}),
    "may not s3:PutObject": (WRITE, {**BUNDLE, "Bucket": "releases"}),
    "may not s3:ListBucketVersions": (
        ("s3", "ListObjectVersions", "controller"),
        {"Bucket": "bundles", "Prefix": "records/orders/"},
    ),
    "may not s3:DeleteObject on": (("s3", "DeleteObject", "controller"), BUNDLE),
}


def _call(who: tuple[str, str, str], params: dict[str, Any]) -> Call:
    service, operation, actor = who
    return Call(1, service, operation, actor, params)


def _played(flow: Flow) -> World:
    world = prepared(flow.before)
    with inhabited(world):
        for _ in play(world, flow.acts):
            pass
        world.run()
    return world


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_request_of_a_flow_is_one_that_aws_takes_and_the_template_allows(flow: Flow) -> None:
    calls = _played(flow).account.calls
    assert {call.actor.split()[0] for call in calls} >= {"controller"}
    assert violations(calls) == []


@pytest.mark.parametrize("limit", [one for one in LIMITS if one.name in BEYOND], ids=lambda limit: limit.name)
def test_a_request_beyond_a_limit_is_noticed(limit: Limit) -> None:
    assert any(limit.name in what for what in violations([_call(*BEYOND[limit.name])]))


def test_every_limit_is_tried() -> None:
    assert {limit.name for limit in LIMITS} - TOO_LARGE_TO_TRY == BEYOND.keys()


@pytest.mark.parametrize("words", OTHERWISE)
def test_a_request_that_the_model_or_the_template_does_not_allow_is_noticed(words: str) -> None:
    assert any(words in what for what in violations([_call(*OTHERWISE[words])]))


def test_an_action_that_aws_does_not_have_is_noticed() -> None:
    assert problem("ControllerRole", Need("lambda:MoveAlias", ROLLOUT)) == "lambda has no action MoveAlias"


def test_a_small_part_is_noticed_unless_it_is_the_last() -> None:
    def part(number: int, size: int) -> Call:
        return _call(PART, {**BUNDLE, "UploadId": "1", "PartNumber": number, "Body": bytes(size)})

    assert violations([part(1, LEAST_PART), part(2, 1)]) == []
    assert violations([part(2, 1), part(1, LEAST_PART - 1)]) == [
        f"part 1 of 1 has {LEAST_PART - 1} bytes, and is not the last"
    ]


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: rate.name)
def test_three_hundred_applications_leave_an_account_most_of_a_rate(rate: Rate) -> None:
    """Twenty releases of each application in eight hours are 0.21 releases per second."""
    [flow] = [one for one in FLOWS if one.name == "release"]
    made = Counter(f"{call.service}:{call.operation}" for call in _played(flow).account.calls)
    named = {operation for one in RATES for operation in one.operations}
    others = {one for one in made if one.startswith("lambda:")} - named
    assert sum(made[one] for one in rate.operations or others) * 6_000 / (8 * 3_600) < rate.per_second / 3
