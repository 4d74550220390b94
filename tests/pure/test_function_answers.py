"""The values that Lambda's answers become, with every field that AWS may leave out.

Source: AWS Lambda API reference, FunctionConfiguration, AliasConfiguration, ProvisionedConcurrencyConfigListItem.
"""

from typing import Any

import pytest

from bootstrap.pointer import VARIABLE
from deployer.aws import function_answers as answers
from deployer.model.alias import Alias
from deployer.model.function import FunctionConfiguration
from deployer.model.version import Provisioned, PublishedVersion, Readiness
from tests.pure.values import LATEST, dropped, untouched

SMALLEST = {"MemorySize": 512, "Timeout": 30}
DESCRIPTION = dropped("a" * 32)
HIDDEN = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "unable to decrypt"}}


def test_a_configuration_of_what_lambda_always_says_has_lambda_s_defaults() -> None:
    found = answers.configuration("orders", SMALLEST, SMALLEST, has_concurrency=False)
    expected = FunctionConfiguration(name="orders", runtime="", memory=512, timeout=30, ephemeral_storage=512)
    assert found == expected
    assert (found.architecture, found.snap_start, found.layers, found.module_path) == ("x86_64", False, (), ())


def test_a_configuration_has_every_field_that_a_release_depends_on() -> None:
    found = SMALLEST | {
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "EphemeralStorage": {"Size": 2_048},
        "SnapStart": {"ApplyOn": "PublishedVersions"},
        "Layers": [{"Arn": "first"}, {"Arn": "second"}],
        "Environment": {
            "Variables": {"PYTHONPATH": "/a::/b", "NODE_PATH": "/n", "NODE_OPTIONS": "-r x", "OTHER": "secret"}
        },
    }
    assert answers.configuration("orders", found, SMALLEST, has_concurrency=True) == FunctionConfiguration(
        name="orders",
        runtime="python3.13",
        architecture="arm64",
        memory=512,
        timeout=30,
        ephemeral_storage=2_048,
        snap_start=True,
        layers=("first", "second"),
        module_path=("/a", "/b"),
        launch_variables={"NODE_OPTIONS": "-r x"},
        alias_has_concurrency=True,
    )


@pytest.mark.parametrize("found", [{}, {"Architectures": []}])
def test_a_function_without_an_architecture_is_of_the_oldest(found: dict[str, Any]) -> None:
    assert answers.configuration("orders", SMALLEST | found, {}, has_concurrency=False).architecture == "x86_64"


@pytest.mark.parametrize("apply_on", ["None", "PublishedVersions"])
def test_snap_start_is_only_that_of_published_versions(apply_on: str) -> None:
    found = SMALLEST | {"SnapStart": {"ApplyOn": apply_on}}
    snap_start = answers.configuration("orders", found, {}, has_concurrency=False).snap_start
    assert snap_start is (apply_on == "PublishedVersions")


def test_the_module_path_is_that_of_the_runtime() -> None:
    paths = {"PYTHONPATH": "/var/task/src", "NODE_PATH": "/opt/nodejs/node_modules"}
    found = SMALLEST | {"Runtime": "nodejs24.x", "Environment": {"Variables": paths}}
    read = answers.configuration("orders", found, {}, has_concurrency=False)
    assert read.module_path == ("/opt/nodejs/node_modules",)


def test_what_the_next_version_has_not_alike_with_the_live_release_is_read() -> None:
    role, queue = {"Role": "arn:aws:iam::1:role/2"}, {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:eu-west-1:1:lost"}}
    live = SMALLEST | {"Role": "arn:aws:iam::1:role/1", "Description": DESCRIPTION.encode()}

    def differing(found: dict[str, Any], live: dict[str, Any]) -> tuple[str, ...]:
        return answers.configuration("orders", found, live, has_concurrency=False).differs

    assert differing(live | role | queue, live) == ("execution role", "dead letter queue")
    assert differing(live, live | {"DeadLetterConfig": {}}) == ()
    assert differing(live | role | queue, live | {"Description": "no release yet"}) == ()


def test_variables_that_aws_does_not_decrypt_are_an_error_and_not_an_empty_environment() -> None:
    """Source: AWS Lambda API reference, EnvironmentResponse: `Error` in place of `Variables`."""
    found = answers.configuration("orders", SMALLEST | {"Environment": HIDDEN}, {}, has_concurrency=False)
    assert (found.environment_error, found.module_path) == ("unable to decrypt", ())


ANSWER = SMALLEST | {"RevisionId": "r1", "CodeSha256": "code", "LastModified": "2026-11-27T10:00:00.000+0000"}


def test_the_unpublished_configuration_has_what_a_write_names() -> None:
    found = ANSWER | {"Environment": {"Variables": {"A": "b"}}, "EphemeralStorage": {"Size": 1_024}}
    assert answers.latest(found) == LATEST
    assert answers.latest(ANSWER).environment == {}
    assert answers.latest(ANSWER | {"Environment": HIDDEN}).environment_error == "unable to decrypt"


@pytest.mark.parametrize(
    ("state", "update", "updating"),
    [
        ("Active", "Successful", False),
        ("Active", "Failed", False),
        ("Active", "InProgress", True),
        ("Pending", "Successful", True),
        ("Pending", "InProgress", True),
    ],
)
def test_a_function_is_updating_while_either_state_says_so(state: str, update: str, *, updating: bool) -> None:
    assert answers.latest(ANSWER | {"State": state, "LastUpdateStatus": update}).updating is updating


SNAP = {"SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}}
SNAPPED = {"SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}}


@pytest.mark.parametrize(
    ("found", "state", "reason"),
    [
        ({}, "Active", ""),
        ({"State": "Active"}, "Active", ""),
        ({"State": "Pending", "StateReason": "creating"}, "Pending", "creating"),
        ({"State": "Failed", "StateReason": "no such image"}, "Failed", "no such image"),
        ({"State": "Active", **SNAP}, "Pending", ""),
        ({"State": "Active", "SnapStart": {"ApplyOn": "PublishedVersions"}}, "Pending", ""),
        ({"State": "Active", **SNAPPED}, "Active", ""),
        ({"State": "Failed", **SNAP}, "Failed", ""),
        ({"State": "Active", "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}}, "Active", ""),
    ],
)
def test_a_version_is_ready_once_it_is_active_and_its_snapshot_was_taken(
    found: dict[str, Any], state: str, reason: str
) -> None:
    assert answers.readiness(found) == Readiness(state=state, reason=reason)


def test_provisioned_concurrency_has_its_state_and_the_reason_of_a_failure() -> None:
    assert answers.concurrency({"Status": "READY"}) == Readiness(state="READY")
    failed = {"Status": "FAILED", "StatusReason": "no capacity"}
    assert answers.concurrency(failed) == Readiness(state="FAILED", reason="no capacity")


@pytest.mark.parametrize(("status", "shown"), [({}, "IN_PROGRESS"), ({"Status": "READY"}, "READY")])
def test_an_item_of_provisioned_concurrency_is_of_the_arn_s_last_part(status: dict[str, str], shown: str) -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:orders:7"
    found = {"FunctionArn": arn, "RequestedProvisionedConcurrentExecutions": 3, **status}
    assert answers.provisioned(found) == Provisioned(qualifier="7", requested=3, status=shown)


ALIAS = {"Name": "live", "FunctionVersion": "6", "RevisionId": "r1"}


@pytest.mark.parametrize("more", [{}, {"RoutingConfig": None}, {"RoutingConfig": {}}, {"Description": ""}])
def test_an_alias_of_one_version_has_no_canary(more: dict[str, Any]) -> None:
    assert answers.alias(ALIAS | more) == Alias(name="live", stable="6", revision="r1")


@pytest.mark.parametrize(("share", "weight"), [(0.1, 10), (0.29, 29), (0.57, 57), (1.0, 100)])
def test_an_alias_of_two_versions_has_whole_percents(share: float, weight: int) -> None:
    wanted = untouched("6").shift("a" * 32, "7", weight)
    assert wanted.recorded is not None
    routing = {"RoutingConfig": {"AdditionalVersionWeights": {"7": share}}}
    found = answers.alias({**ALIAS, **routing, "Description": wanted.recorded.encode()})
    assert found == wanted
    assert found.managed


def test_only_the_weight_that_lambda_gives_the_version_before_is_taken_away() -> None:
    believed = untouched("6")
    wanted = believed.promote("a" * 32, "7")
    assert answers.without_lambdas_weight(wanted, believed) == wanted
    assert answers.without_lambdas_weight(wanted.model_copy(update={"canary": "6", "weight": 100}), believed) == wanted
    for others in ({"canary": "6", "weight": 99}, {"canary": "5", "weight": 100}):
        moved = wanted.model_copy(update=others)
        assert answers.without_lambdas_weight(moved, believed) == moved


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"", None),
        (b"null", None),
        (b'{"a": [1]}', {"a": [1]}),
        (b"plain text", "plain text"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_an_answer_is_json_or_its_text(body: bytes, payload: object) -> None:
    assert answers.payload(body) == payload


def test_an_answer_nested_too_deeply_is_its_text() -> None:
    assert answers.payload(b"[" * 100_000) == "[" * 100_000


def test_a_published_version_has_what_was_written_into_it() -> None:
    found = {
        "Version": "7",
        "Description": DESCRIPTION.encode(),
        "Environment": {"Variables": {VARIABLE: "pointer"}},
        "MemorySize": 1_024,
        "Architectures": ["arm64"],
    }
    assert answers.published(found) == PublishedVersion(
        version="7", description=DESCRIPTION, pointer="pointer", memory=1_024, architecture="arm64"
    )
    plain = answers.published({"Version": "7"})
    assert plain == PublishedVersion(version="7", description=None)
    assert answers.published({"Version": "7", "Environment": HIDDEN}).environment_error == "unable to decrypt"
