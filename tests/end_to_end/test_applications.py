"""An application is added, taken in and taken out while the deployer's stack stays as it is: roles as granted."""

import json
from collections.abc import Iterator

import pytest

from deployer.model.alias import ADMINISTRATION
from tests.deployment import APPLICATION
from tests.end_to_end.stack import NAME, Stack
from tests.local import LocalAws
from tests.local.configuration import ACCOUNT, REGION
from tests.local.functions import create
from tests.local.waiting import until

NATIVE = "def handler(event, context):\n    print('native', event)\n    return 'native'\n"
DROPPED = {"lambda_function.py": "def lambda_handler(event, _):\n    print('dropped', event)\n    return 'dropped'\n"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with LocalAws(auth=True, speed=60) as aws:
        yield Stack(aws)


def _answer(stack: Stack, application: str) -> object:
    function = f"{NAME}-app-{application}"
    answer = stack.lambda_.invoke(FunctionName=function, Qualifier="live", Payload=b"{}")
    return json.loads(answer["Payload"].read())


def _deployer(stack: Stack) -> object:
    """Return everything of the deployer that an application could have changed."""
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
    stack.drop("too early", application="orders")
    until(lambda: "orders" in str(stack.invoke({"action": "status"}, ADMINISTRATION)["ignored"]))
    stack.aws.application("orders")
    stack.live("1.0", files=DROPPED, application="orders")
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
    stack.live("1.0", files=DROPPED, application="billing")
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
    stack.live("1.0", application="short-lived")
    before, cloudformation = _deployer(stack), stack.aws.client("cloudformation")
    cloudformation.delete_stack(StackName=f"{NAME}-app-short-lived")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=f"{NAME}-app-short-lived", WaiterConfig={"Delay": 1}
    )
    answer = stack.invoke({"action": "rollback", "application": "short-lived"}, ADMINISTRATION)
    assert "unknown application" in str(answer["problems"])
    stack.drop("too late", application="short-lived")
    until(lambda: "too late" in str(stack.invoke({"action": "status"}, ADMINISTRATION)["ignored"]))
    assert "short-lived" not in _listed(stack)
    assert _deployer(stack) == before
    assert stack.ask()[1] == "1.0"
