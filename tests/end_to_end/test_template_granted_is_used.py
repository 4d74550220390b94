"""The roles' grants and calls are the same: every call of a whole life is allowed, every grant is used."""

import json
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from deployer.model.alias import ADMINISTRATION
from deployer.model.status import Status
from tests import template as sam
from tests.end_to_end.stack import FUNCTION, Stack, serving
from tests.local import LocalAws
from tests.local.calls import Call
from tests.local.configuration import REGION
from tests.local.waiting import until
from tests.signing import Signer

EVENTS = Path(__file__).parents[2] / "events"
PLAN = """[rollout]
stages = [{ weight = 50, bake = "2m" }]
inconclusive = "promote"
[resources]
provisioned-concurrency = 1
"""
ROLES = ("ControllerRole", "RolloutRole", "helloRole")
SIGNING_KEY = f"arn:aws:kms:{sam.REGION}:{sam.ACCOUNT}:key/*"
"""There is but one; KMS gives it its name."""
ALLOWED = tuple(
    statement
    for statement in sam.stack(SigningKey=SIGNING_KEY).statements("Allow")
    if statement.holder in ROLES and "sts:AssumeRole" not in statement.actions
)
NEVER_CALLED = {
    ("TellMissingFromForbidden", "s3:ListBucket"): "S3 itself asks for it when a key is missing",
    ("KeepLostEvents", "sqs:SendMessage"): "the Lambda service, for an event that failed three times",
    ("KeepDeadRollouts", "sqs:SendMessage"): "the Lambda service, for an execution that ended without a result",
    ("SendTraces", "xray:PutTelemetryRecords"): "the X-Ray daemon beside the function",
    ("SendTraces", "xray:PutTraceSegments"): "as above",
    ("WriteItsLog", "logs:CreateLogStream"): "the Lambda service, for the function's log",
    ("WriteItsLog", "logs:PutLogEvents"): "as above",
    ("RememberItsSteps", "lambda:GetDurableExecutionState"): "the engine's SDK, for a history too long for one event",
    ("StoreBundlesRecordsAndProfiles", "s3:AbortMultipartUpload"): "a bundle that could not be finished",
    ("ReadApplications", "lambda:ListVersionsByFunction"): "a rollout whose staging another one overwrote in between",
}


@pytest.fixture(scope="module")
def calls() -> Iterator[list[Call]]:
    """Yield every call of the stack's roles in the life of an application, with IAM enforced."""
    with LocalAws(auth=True, speed=60) as aws:
        _live(Stack(aws, Signer(aws.client("kms"))))
        yield [call for call in aws.calls() if _role(call) in ROLES]


def _live(stack: Stack) -> None:
    """Signed releases: one that does not start, two that do, the first again, the second again, the unneeded pruned."""
    broken = stack.drop("0.9", {"lambda_function.py": serving("0.9") + "raise RuntimeError\n"}, manifest=PLAN)
    assert stack.ended(broken)["status"] == Status.FAILED
    first = stack.drop("1.0", manifest=PLAN)
    assert stack.ended(first)["status"] == Status.LIVE
    second = stack.drop("1.1", manifest=PLAN)
    until(lambda: stack.record(second).get("status") == Status.SHIFTING)
    assert "nothing to do" in stack.invoke(_alarm())["answer"]
    assert stack.ended(second)["status"] == Status.LIVE
    assert stack.command("rollback")["answer"].startswith("rolled back")
    assert "would be accepted" in stack.command("validate", key="hello/1.0.zip")["answer"]
    stack.command("redeploy", release=second.release_id, force=True)
    assert stack.ended(second.model_copy(update={"attempt": 1}))["status"] == Status.LIVE
    assert stack.command("status")["traffic"][0]["bundle"] == "present"
    everything = stack.invoke({"action": "status"}, ADMINISTRATION)
    assert [one["application"] for one in everything["applications"]] == ["hello"]
    assert stack.command("prune", keep=1)["bundles"]
    _fail(stack)


def _fail(stack: Stack) -> None:
    """A release that fails its callers is rolled back by a look, with no alarm to be faster; another by an alarm."""
    cloudwatch, name = stack.aws.client("cloudwatch"), f"{FUNCTION}-errors"
    cloudwatch.delete_alarms(AlarmNames=[name])
    body = "if event != {'dropshift': {'smoke-test': RELEASE}}: raise KeyError"
    with stack.callers():
        assert "KeyError" in stack.ended(stack.drop("1.2", {"lambda_function.py": serving("1.2", body)}))["reason"]
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Tests",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    drop = stack.drop("1.3", manifest='[rollout]\nbake = "1d"\n')
    until(lambda: stack.record(drop).get("status") == Status.SHIFTING and stack.traffic[1])
    stack.set_alarm("ALARM")
    assert name in stack.ended(drop)["reason"]


def _alarm() -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "alarm-changed.json").read_text())
    return event | {"detail": event["detail"] | {"alarmName": "dropshift-app-hello-errors"}}


def _role(call: Call) -> str:
    """Return the logical id of the role behind a call's session; empty for anybody else."""
    name = call.caller.split("/")[-2] if ":assumed-role/" in call.caller else ""
    named = name.replace("dropshift-app-hello-Role-", "dropshift-helloRole-")
    return next((role for role in ROLES if f"-{role}-" in named), "")


def _action(call: Call) -> str:
    """Return a call's action as policies write it: CloudWatch signs its requests as `monitoring`."""
    service = "cloudwatch" if call.service == "monitoring" else call.service
    return f"{service}:{call.action}"


def _covers(statement: sam.Statement, call: Call) -> bool:
    """Return whether a statement is what allows a call; the template's region is a placeholder for the local AWS's."""
    resources = [pattern.replace(sam.REGION, REGION) for pattern in statement.resources]
    return (
        statement.holder == _role(call)
        and _action(call) in statement.actions
        and any(fnmatchcase(call.resource, pattern) for pattern in resources)
    )


def test_nothing_is_refused(calls: Iterable[Call]) -> None:
    assert not [call for call in calls if call.status == 403]


def test_every_write_of_an_alias_says_what_it_believed(calls: Iterable[Call]) -> None:
    moves = [call for call in calls if call.action == "UpdateAlias"]
    assert {_role(call) for call in moves} == {"ControllerRole", "RolloutRole"}
    assert not [call for call in moves if not call.parameters.get("RevisionId")]


def test_every_call_is_allowed_by_one_statement_and_no_more(calls: list[Call]) -> None:
    assert {_role(call) for call in calls} == set(ROLES)
    allowed_by = {
        (_role(call), _action(call), call.resource): [s.sid for s in ALLOWED if _covers(s, call)] for call in calls
    }
    assert not {call: sids for call, sids in allowed_by.items() if len(sids) != 1}


def test_every_grant_is_used(calls: list[Call]) -> None:
    used = {(s.holder, s.sid, _action(call)) for call in calls for s in ALLOWED if _covers(s, call)}
    granted = {(s.holder, s.sid, action) for s in ALLOWED for action in s.actions}
    assert not {grant for grant in granted - used if grant[1:] not in NEVER_CALLED}
    assert NEVER_CALLED.keys() == {grant[1:] for grant in granted - used}


def test_every_resource_of_a_grant_is_used(calls: list[Call]) -> None:
    unused = [
        (statement.holder, statement.sid, pattern)
        for statement in ALLOWED
        if not any((statement.sid, action) in NEVER_CALLED for action in statement.actions)
        for pattern in statement.resources
        if not any(
            fnmatchcase(call.resource, pattern.replace(sam.REGION, REGION))
            for call in calls
            if _covers(statement, call)
        )
    ]
    assert not unused
