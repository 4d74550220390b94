"""template.yaml: SAM takes it, an update never moves an application's traffic, and nothing is public or unwatched."""

import json
import re
import shlex
import subprocess
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from deployer.commands.command import parse as parse_command
from deployer.commands.sender import Sender
from deployer.model.function import OwnerLimits
from deployer.settings import APPLICATION_NAME, Settings
from tests import template as sam

LARGEST = 10_000
"""MB that an archive may unpack to."""
UPDATE = {
    "MemorySize": "512",
    "Timeout": "60",
    "ErrorAlarmThreshold": "9",
    "LogRetentionDays": "7",
    "RolloutMemory": "10240",
    "WriteOnceReleases": "true",
}


STACK = sam.stack()
UPDATED = sam.stack("s3://code/another.zip", **UPDATE)
"""Everything that an update may bring: other code, other sizes."""


def test_an_application_is_a_stack_of_its_own_and_the_deployers_has_no_list_of_them() -> None:
    assert "Applications" not in sam.defaults(sam.source())
    assert len(sam.application()["Resources"]) <= 10
    assert {name for name in sam.source()["Resources"] if name.startswith("hello")} == {
        "hello",
        *(f"hello{part}" for part in ("First", "Live", "Role", "Logs", "Commands", "Dashboard")),
        *(f"hello{part}" for part in ("Errors", "ReleaseFailed", "Failed")),
    }


def test_an_update_of_the_stack_leaves_an_applications_version_and_alias_alone() -> None:
    assert STACK.properties("hello") != UPDATED.properties("hello")
    for name in ("helloFirst", "helloLive"):
        assert STACK.names.text(STACK.template["Resources"][name]) == UPDATED.names.text(
            UPDATED.template["Resources"][name]
        )


def _rollout_version(stack: sam.Stack) -> str:
    [version] = [name for name in stack.of_type("AWS::Lambda::Version") if name.startswith("Rollout")]
    return version


def test_new_code_of_the_rollout_is_a_new_version_of_it() -> None:
    assert _rollout_version(STACK) != _rollout_version(sam.stack("s3://code/another.zip"))


@pytest.mark.parametrize(
    "changed",
    [
        {"Architecture": "arm64"},
        {"RolloutMemory": "10240"},
        {"BundleSeconds": "60"},
        {"EventBus": "releases"},
        {"MaxMemory": "2048"},
        {"MaxTimeout": "60"},
        {"MaxProvisionedConcurrency": "5"},
        {"EncryptionKey": f"arn:aws:kms:{sam.REGION}:{sam.ACCOUNT}:key/0123"},
    ],
    ids=str,
)
def test_a_changed_parameter_of_the_rollout_is_a_new_version_of_it(changed: dict[str, str]) -> None:
    assert _rollout_version(STACK) != _rollout_version(sam.stack(**changed))


@pytest.mark.parametrize("function", ["Controller", "Rollout"])
def test_the_deployer_understands_the_environment_it_is_given(function: str) -> None:
    names, variables = STACK.names, STACK.properties(function)["Environment"]["Variables"]
    settings = Settings.model_validate({name.lower(): value for name, value in variables.items()}, extra="ignore")
    assert settings.function("hello") == names.ref("hello")
    assert settings.owner_limits == OwnerLimits(memory=10_240, timeout=900, provisioned_concurrency=0)
    assert settings.releases_bucket == names.ref("ReleasesBucket")
    assert settings.bundles_bucket == names.ref("BundlesBucket")
    rollout = {"Controller": names.arn("Rollout") + ":live", "Rollout": ""}
    assert settings.rollout_function == rollout[function]


@pytest.mark.parametrize(("function", "parameter"), [("Controller", 10), ("Rollout", 50)])
def test_concurrency_is_reserved_unless_the_account_has_too_little(function: str, parameter: int) -> None:
    """Source: AWS Lambda developer guide, configuring reserved concurrency: 100 stay unreserved."""
    for value in (parameter, 0):
        properties = sam.stack(**{f"{function}Concurrency": str(value)}).properties(function)
        assert properties.get("ReservedConcurrentExecutions") == (str(value) if value else None)


def test_the_template_and_the_deployer_agree_on_what_an_application_may_be_called() -> None:
    assert sam.application()["Parameters"]["Application"]["AllowedPattern"] == APPLICATION_NAME


def test_a_name_that_lambda_would_refuse_is_refused_before_anything_is_deployed() -> None:
    """Lambda's own limit for a function's name is 64 characters, of which `-app-` takes five."""
    stack, fits = "dropshift-of-another-team", "a" * 34
    for names, code in ((f"hello,{fits}", 0), (f"{fits}b,hello", 2)):
        command = ["make", "-n", "-C", str(sam.PATH.parent), "names-fit", f"STACK={stack}", f"APPLICATIONS={names}"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == code, ran.stderr
        assert ("at most 59 characters together" in ran.stderr) == bool(code)
    assert "59 characters" in sam.application()["Parameters"]["Application"]["Description"]


@pytest.mark.parametrize(
    ("stack", "code"), [("dropshift", 0), ("my-apps", 0), ("my-app-orders", 2), ("my-app-", 2), ("my-app", 2)]
)
def test_a_stack_whose_functions_another_stack_would_take_for_its_applications_is_refused(
    stack: str, code: int
) -> None:
    """`my-app-controller` begins with `my-app-`, as all applications of a stack `my` do in its policies."""
    command = ["make", "-n", "-C", str(sam.PATH.parent), "names-fit", f"STACK={stack}"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stderr
    assert ("choose another STACK" in ran.stderr) == bool(code)


@pytest.mark.parametrize("name", ["administration", "2026", "-a", "a" * 41])
def test_a_name_that_cannot_be_an_alias_of_the_controller_is_no_applications(name: str) -> None:
    assert not re.match(APPLICATION_NAME, name)
    assert all(re.match(APPLICATION_NAME, fits) for fits in ("administrations", "2026-orders", "a" * 40))


def test_the_rollout_is_durable_and_has_room_for_the_largest_release() -> None:
    rollout = STACK.properties("Rollout")
    assert rollout["DurableConfig"] == {"ExecutionTimeout": 7 * 24 * 3600, "RetentionPeriodInDays": 30}
    assert (rollout["Timeout"], rollout["EphemeralStorage"]) == (900, {"Size": 10240})


def test_the_controller_has_time_to_validate_the_largest_archive() -> None:
    """Sources: docs/reliability.md, inspection; AWS Lambda developer guide, memory (1,769 MB are one vCPU), quotas."""
    controller = STACK.properties("Controller")
    processor_seconds = 19.5 * LARGEST / 1_025  # of 1,025 MB of packages
    inspects = processor_seconds / (controller["MemorySize"] / 1_769)
    downloads = LARGEST / 78
    assert inspects + downloads < controller["Timeout"] <= 900


@pytest.mark.parametrize("bucket", ["ReleasesBucket", "BundlesBucket"])
def test_a_bucket_is_versioned_encrypted_private_and_outlives_the_stack(bucket: str) -> None:
    about = STACK.template["Resources"][bucket]
    properties = about["Properties"]
    assert (about["DeletionPolicy"], about["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AbortIncompleteMultipartUpload" in properties["LifecycleConfiguration"]["Rules"][0]


def test_the_controller_hears_of_every_kind_of_upload() -> None:
    heard = STACK.properties("ReleasesBucket")["NotificationConfiguration"]
    assert [entry["Event"] for entry in heard["LambdaConfigurations"]] == ["s3:ObjectCreated:*"]


def test_every_function_writes_to_a_log_group_that_forgets() -> None:
    groups = {STACK.names.ref(name): about for name, about in UPDATED.of_type("AWS::Logs::LogGroup").items()}
    assert {about["RetentionInDays"] for about in groups.values()} == {UPDATE["LogRetentionDays"]}
    functions = STACK.of_type("AWS::Lambda::Function")
    written = {name: about["LoggingConfig"]["LogGroup"] for name, about in functions.items()}
    assert set(written.values()) == groups.keys()
    assert written == {name: f"/aws/lambda/{STACK.names.ref(name)}" for name in functions}


@pytest.mark.parametrize(("function", "queue"), [("Controller", "DeadLetters"), ("Rollout", "DeadRollouts")])
def test_what_the_deployer_cannot_handle_is_kept(function: str, queue: str) -> None:
    """Lambda puts every rollout that ends FAILED, STOPPED or TIMED_OUT into its queue: it is not one of lost events."""
    assert STACK.properties(function)["DeadLetterConfig"] == {"TargetArn": STACK.names.arn(queue)}
    assert STACK.properties(queue)["MessageRetentionPeriod"] == 14 * 24 * 3600
    queue_name = {"Fn::GetAtt": ["DeadLetters", "QueueName"]}
    assert STACK.properties("EventsWereLost")["Dimensions"] == [{"Name": "QueueName", "Value": queue_name}]


def test_an_applications_alarm_is_known_by_its_name_and_watches_the_alias() -> None:
    alarm = STACK.properties("helloErrors")
    assert alarm["AlarmName"] == "dropshift-app-hello-errors"
    assert {entry["Name"]: entry["Value"] for entry in alarm["Dimensions"]} == {
        "FunctionName": "dropshift-app-hello",
        "Resource": "dropshift-app-hello:live",
    }


def test_the_deployers_own_alarms_are_never_taken_for_an_applications() -> None:
    alarms = [about["AlarmName"] for about in STACK.of_type("AWS::CloudWatch::Alarm").values()]
    assert [name for name in alarms if name.startswith("dropshift-app-")] == ["dropshift-app-hello-errors"]


def _lets_through(pattern: Any, value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Match the part of EventBridge's patterns that our rules use: names, lists of values, prefixes."""
    if isinstance(pattern, dict):
        return all(name in value and _lets_through(inner, value[name]) for name, inner in pattern.items())
    return any(value.startswith(one["prefix"]) if isinstance(one, dict) else value == one for one in pattern)


@pytest.mark.parametrize(
    ("rule", "event", "changed"),
    [
        ("ApplicationAlarmed", "alarm-changed", {"alarmName": "dropshift-deployer-lost-events"}),
        ("ApplicationAlarmed", "alarm-changed", {"state": {"value": "OK"}}),
        ("RolloutDied", "execution-failed", {"status": "SUCCEEDED"}),
        ("helloReleaseFailed", "out-release-changed", {"status": "live"}),
        ("helloReleaseFailed", "out-release-changed", {"function": "another-app-hello"}),
        ("RolloutDied", "execution-failed", {"functionArn": "arn:aws:lambda:eu-central-1:123456789012:function:x:1"}),
    ],
    ids=str,
)
def test_a_rule_lets_through_what_matters_and_nothing_else(rule: str, event: str, changed: dict[str, Any]) -> None:
    pattern = STACK.properties(rule)["EventPattern"]
    arrived = json.loads((sam.PATH.parent / "events" / f"{event}.json").read_text())
    if rule == "helloReleaseFailed":
        arrived["detail"]["status"] = "failed"
    assert _lets_through(pattern, arrived)
    assert not _lets_through(pattern, arrived | {"detail": arrived["detail"] | changed})


def test_an_applications_dashboard_is_json_about_its_alias() -> None:
    body = json.loads(STACK.properties("helloDashboard")["DashboardBody"])
    by_version = [widget["properties"] for widget in body["widgets"] if "by version" in widget["properties"]["title"]]
    assert len(by_version) == 3
    assert not [widget for widget in by_version if "label" in widget["metrics"][0][0]]  # SEARCH labels by version
    for widget in by_version:
        assert 'Resource="dropshift-app-hello:live"' in widget["metrics"][0][0]["expression"]


@pytest.mark.parametrize("output", ["StatusCommand", "RollbackCommand"])
def test_a_command_among_the_outputs_is_one_that_the_controller_takes(output: str) -> None:
    given = sam.defaults(sam.application())
    words = shlex.split(sam.Names(sam.application(), given).text(sam.application()["Outputs"][output]["Value"]))
    assert words[words.index("--function-name") + 1] == "dropshift-controller:hello"
    payload: Any = Sender(alias="hello").completed(json.loads(words[words.index("--payload") + 1]))
    command = parse_command(payload, frozenset({"hello"}))
    assert not isinstance(command, tuple)
    assert Sender(alias="hello").objection(command) is None
    assert output == command.action.capitalize() + "Command"


def test_an_applications_stack_names_an_alias_of_the_controller_by_which_it_is_commanded_and_found() -> None:
    commands = yaml_parse(sam.APPLICATION.read_text())["Resources"]["Commands"]["Properties"]
    assert commands["Name"] == {"Ref": "Application"}
    assert commands["FunctionName"] == {"Fn::Sub": "${Deployer}-controller"}
