"""The template's policies as IAM enforces them: whose bundles are whose, and who takes what away."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.local import LocalAws
from tests.local.configuration import ACCOUNT, REGION
from tests.local.functions import ask, asking, role

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
KEY = "bundles/hello/0123.tar.zst"


@dataclass(frozen=True)
class Roles:
    """The deployed template, and one function for each of its roles that makes the calls of a test."""

    aws: LocalAws
    bucket: str
    asking: dict[str, str]

    def ask(self, role: str, operation: str, key: str, **parameters: str) -> str:
        """Ask S3 about a key of the bundles bucket; answer "allowed", or its error."""
        return self.call(role, "s3", operation, Bucket=self.bucket, Key=key, **parameters)

    def call(self, role: str, service: str, operation: str, **parameters: object) -> str:
        """Answer "allowed", or the error the service gave."""
        return ask(self.aws, self.asking[role], service, operation, **parameters)


@pytest.fixture(scope="module")
def roles() -> Iterator[Roles]:
    with LocalAws(auth=True) as aws:
        bucket = aws.dropshift()["BundlesBucket"]
        arns = {one["RoleName"].split("-")[1]: one["Arn"] for one in aws.client("iam").list_roles()["Roles"]}
        arns["helloRole"] = aws.application("hello")["Role"]
        names = ("ControllerRole", "RolloutRole", "helloRole")
        yield Roles(aws, bucket, {name: asking(aws, arns[name]) for name in names})


@pytest.fixture(scope="module")
def version(roles: Roles) -> str:
    """Return the version of a bundle that the rollout has stored."""
    assert roles.ask("RolloutRole", "put_object", KEY) == "allowed"
    return str(roles.aws.client("s3").head_object(Bucket=roles.bucket, Key=KEY)["VersionId"])


def test_an_application_reads_one_version_of_its_bundle_and_writes_none(roles: Roles, version: str) -> None:
    assert roles.ask("helloRole", "get_object", KEY, VersionId=version) == "allowed"
    assert roles.ask("helloRole", "get_object", KEY) == "AccessDenied"
    assert roles.ask("helloRole", "put_object", KEY) == "AccessDenied"


def test_an_application_reads_nothing_of_another(roles: Roles) -> None:
    other = "bundles/orders/0123.tar.zst"
    assert roles.ask("RolloutRole", "put_object", other) == "allowed"
    version = roles.aws.client("s3").head_object(Bucket=roles.bucket, Key=other)["VersionId"]
    assert roles.ask("helloRole", "get_object", other, VersionId=version) == "AccessDenied"


def test_the_controller_keeps_records_and_stores_no_bundles(roles: Roles, version: str) -> None:
    assert roles.ask("ControllerRole", "put_object", "records/hello/0123.json") == "allowed"
    assert roles.ask("ControllerRole", "head_object", KEY, VersionId=version) == "allowed"
    assert roles.ask("ControllerRole", "put_object", KEY) == "AccessDenied"


def test_what_is_missing_is_told_from_what_is_forbidden(roles: Roles) -> None:
    assert roles.ask("ControllerRole", "get_object", "records/hello/none.json") == "NoSuchKey"


@pytest.mark.parametrize("name", ["RolloutRole", "helloRole"])
def test_only_prune_takes_a_version_of_a_bundle_away(roles: Roles, version: str, name: str) -> None:
    assert roles.ask(name, "delete_object", KEY, VersionId=version) == "AccessDenied"
    assert roles.ask(name, "delete_object", KEY) == "AccessDenied"


def test_prune_takes_bundles_away_and_no_records(roles: Roles) -> None:
    for key, answer in (("bundles/hello/old.tar.zst", "allowed"), ("records/hello/old.json", "AccessDenied")):
        assert roles.ask("RolloutRole", "put_object", key) == "allowed"
        version = roles.aws.client("s3").head_object(Bucket=roles.bucket, Key=key)["VersionId"]
        assert roles.ask("ControllerRole", "delete_object", key, VersionId=version) == answer


def test_prune_takes_versions_away_and_never_a_function(roles: Roles) -> None:
    function, lambda_ = "dropshift-app-hello", roles.aws.client("lambda")
    lambda_.update_function_configuration(FunctionName=function, Description="another")
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
    version = lambda_.publish_version(FunctionName=function)["Version"]
    for name in ("RolloutRole", "helloRole"):
        assert roles.call(name, "lambda", "delete_function", FunctionName=function, Qualifier=version) == "AccessDenied"
    assert roles.call("ControllerRole", "lambda", "delete_function", FunctionName=function) == "AccessDenied"
    assert lambda_.get_function(FunctionName=function, Qualifier=version)
    answer = roles.call("ControllerRole", "lambda", "delete_function", FunctionName=function, Qualifier=version)
    assert answer == "allowed"


def test_changes_are_announced_on_the_stacks_bus_and_no_other(roles: Roles) -> None:
    roles.aws.client("events").create_event_bus(Name="another")
    for name in ("ControllerRole", "RolloutRole"):
        for bus, answer in (("default", "allowed"), ("another", "AccessDenied")):
            entry = {"Source": "dropshift", "DetailType": "Release Changed", "Detail": "{}", "EventBusName": bus}
            assert roles.call(name, "events", "put_events", Entries=[entry]) == answer


def test_a_role_from_elsewhere_gets_nothing_whatever_it_was_granted(roles: Roles, version: str) -> None:
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    roles.asking["elsewhere"] = asking(roles.aws, role(roles.aws, "elsewhere", everything))
    assert roles.ask("elsewhere", "head_object", "records/hello/0123.json") in {"allowed", "404"}
    assert roles.ask("elsewhere", "get_object", KEY, VersionId=version) == "AccessDenied"
    assert roles.ask("elsewhere", "put_object", KEY) == "AccessDenied"
    assert roles.ask("elsewhere", "delete_object", KEY, VersionId=version) == "AccessDenied"
    assert roles.ask("elsewhere", "delete_object", KEY) == "AccessDenied"


# --- who may send the controller which command ----------------------------------------------------------------------


CONTROLLER = "dropshift-controller"
STATUS = {"action": "status", "application": "hello"}
GRANTED = re.findall(r"^```json\n(.*?)^```", OPERATIONS, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def team(roles: Roles) -> str:
    """Return a role with the policy that docs/operations.md gives a team, for the application hello."""
    (policy,) = GRANTED
    for placeholder, found in (("REGION", REGION), ("ACCOUNT", ACCOUNT), (":orders", ":hello")):
        policy = policy.replace(placeholder, found)
    roles.asking["team"] = asking(roles.aws, role(roles.aws, "team", *json.loads(policy)["Statement"]))
    return "team"


def test_a_team_with_the_documented_policy_reaches_its_own_alias_of_the_controller_alone(
    roles: Roles, team: str
) -> None:
    said = {"FunctionName": CONTROLLER, "Payload": json.dumps(STATUS)}
    assert roles.call(team, "lambda", "invoke", **said, Qualifier="hello") == "allowed"
    assert roles.call(team, "lambda", "invoke", **said, Qualifier="administration") == "AccessDenied"
    assert roles.call(team, "lambda", "invoke", **said, Qualifier="$LATEST") == "AccessDenied"
    assert roles.call(team, "lambda", "invoke", **said) == "AccessDenied"


@pytest.mark.parametrize(
    ("qualifier", "payload", "answer"),
    [
        ("hello", {"action": "pause"}, "nothing to do"),
        ("administration", {"action": "pause", "application": "hello"}, "nothing to do"),
        ("hello", {"action": "prune", "application": "hello"}, "refused; nothing was changed"),
        ("", STATUS, "refused; nothing was changed"),
        ("$LATEST", STATUS, "refused; nothing was changed"),
        ("hello", {"Records": [{"eventVersion": "2.1"}]}, "refused; nothing was changed"),
    ],
)
def test_the_controller_itself_refuses_what_comes_by_another_way_than_its_own(
    roles: Roles, qualifier: str, payload: object, answer: str
) -> None:
    """As a caller sees it whom IAM lets invoke everything."""
    through = {"Qualifier": qualifier} if qualifier else {}
    invoked = roles.aws.client("lambda").invoke(FunctionName=CONTROLLER, Payload=json.dumps(payload), **through)
    found = json.loads(invoked["Payload"].read())
    assert answer in str(found["answer"]), found
