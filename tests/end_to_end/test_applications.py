"""An application is added, taken in and taken out while the deployer's stack stays as it is: roles as granted."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from deployer.model.alias import ADMINISTRATION
from deployer.model.drop import Drop
from deployer.model.status import Status
from tests.deployment import APPLICATION
from tests.end_to_end.stack import NAME, Stack, serving
from tests.local import LocalAws
from tests.local.configuration import ACCOUNT, REGION
from tests.local.functions import create
from tests.local.waiting import until

AT_ONCE = '[rollout]\nstrategy = "all-at-once"\n'
NATIVE = "def handler(event, context):\n    print('native', event)\n    return 'native'\n"
DROPPED = "def handler(event, context):\n    print('dropped', event)\n    return 'dropped'\n"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with LocalAws(auth=True, speed=60) as aws:
        yield Stack(aws)


def _drop(stack: Stack, application: str, release: str, source: str, handler: str) -> Drop:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", source)
        archive.writestr("dropshift.toml", f'[application]\nkind = "python"\nhandler = "{handler}"\n{AT_ONCE}')
    bucket, key = stack.outputs["ReleasesBucket"], f"{application}/{release}.zip"
    put = stack.s3.put_object(Bucket=bucket, Key=key, Body=buffer.getvalue())
    return Drop(bucket=bucket, key=key, version_id=put["VersionId"])


def _live(stack: Stack, drop: Drop) -> None:
    def ended() -> dict[str, Any]:
        releases = stack.invoke({"action": "history"}, drop.application)["releases"]
        mine = [one for one in releases if one["release_id"] == drop.release_id]
        return mine[0] if mine and Status(mine[0]["status"]).final else {}

    record = until(ended)
    assert record["status"] == Status.LIVE, record


def _answer(stack: Stack, application: str) -> object:
    function = f"{NAME}-app-{application}"
    answer = stack.lambda_.invoke(FunctionName=function, Qualifier="live", Payload=b"{}")
    return json.loads(answer["Payload"].read())


def _deployer(stack: Stack) -> object:
    """Everything of the deployer that an application could have changed."""
    found = stack.aws.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"][0]
    functions = [
        stack.lambda_.get_function_configuration(FunctionName=f"{NAME}-{which}")["RevisionId"]
        for which in ("controller", "rollout")
    ]
    listed = stack.aws.client("events").list_rules()["Rules"]
    rules = [one for one in listed if one["Name"].startswith(NAME) and not one["Name"].startswith(f"{NAME}-app-")]
    return (
        found.get("LastUpdatedTime"),
        functions,
        [rule.get("EventPattern") or rule["ScheduleExpression"] for rule in rules],
    )


def _listed(stack: Stack) -> set[str]:
    return {one["application"] for one in stack.invoke({"action": "status"}, ADMINISTRATION)["applications"]}


def test_an_application_is_added_by_its_own_stack(stack: Stack) -> None:
    stack.live("1.0")
    before = _deployer(stack)
    _drop(stack, "orders", "too early", DROPPED, "app.handler")
    until(lambda: "orders" in str(stack.invoke({"action": "status"}, ADMINISTRATION)["ignored"]))
    stack.aws.application("orders")
    _live(stack, _drop(stack, "orders", "1.0", DROPPED, "app.handler"))
    assert _answer(stack, "orders") == "dropped"
    assert _listed(stack) == {APPLICATION, "orders"}
    assert _deployer(stack) == before
    assert stack.ask()[1] == "1.0"


def test_an_existing_function_is_taken_in_and_its_trigger_moves(stack: Stack) -> None:
    """As docs/operations.md has it: beside it, the same code as the first release, then trigger by trigger."""
    role = stack.lambda_.get_function_configuration(FunctionName=f"{NAME}-app-{APPLICATION}")["Role"]
    old = create(stack.aws, NATIVE, Role=role)
    events, lambda_ = stack.aws.client("events"), stack.lambda_
    rule = events.put_rule(Name="billing", EventPattern=json.dumps({"source": ["shop"]}))["RuleArn"]
    allowed = {"StatementId": "rule", "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    lambda_.add_permission(FunctionName=old, SourceArn=rule, **allowed)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
    events.put_targets(Rule="billing", Targets=[{"Id": "billing", "Arn": f"{arn}:{old}"}])
    assert lambda_.invoke(FunctionName=old)["Payload"].read() == b'"native"'
    _order(stack, "one")
    until(lambda: any("native" in line and "one" in line for line in stack.aws.logs(old)))

    stack.aws.application("billing")
    _live(stack, _drop(stack, "billing", "1.0", DROPPED, "app.handler"))
    new = f"{NAME}-app-billing"
    lambda_.add_permission(FunctionName=new, Qualifier="live", SourceArn=rule, **allowed)
    events.put_targets(Rule="billing", Targets=[{"Id": "billing", "Arn": f"{arn}:{new}:live"}])
    _order(stack, "two")
    until(lambda: any("dropped" in line and "two" in line for line in stack.aws.logs(new)))
    lambda_.delete_function(FunctionName=old)
    assert _answer(stack, "billing") == "dropped"


def _order(stack: Stack, what: str) -> None:
    entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"what": what})}
    stack.aws.client("events").put_events(Entries=[entry])


def test_an_application_is_taken_out_with_its_stack(stack: Stack) -> None:
    stack.aws.application("short-lived")
    _live(stack, _drop(stack, "short-lived", "1.0", DROPPED, "app.handler"))
    before, cloudformation = _deployer(stack), stack.aws.client("cloudformation")
    cloudformation.delete_stack(StackName=f"{NAME}-app-short-lived")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=f"{NAME}-app-short-lived", WaiterConfig={"Delay": 1}
    )
    answer = stack.invoke({"action": "rollback", "application": "short-lived"}, ADMINISTRATION)
    assert "unknown application" in str(answer["problems"])
    _drop(stack, "short-lived", "too late", serving("2.0"), "app.lambda_handler")
    until(lambda: "too late" in str(stack.invoke({"action": "status"}, ADMINISTRATION)["ignored"]))
    assert "short-lived" not in _listed(stack)
    assert _deployer(stack) == before
    assert stack.ask()[1] == "1.0"
