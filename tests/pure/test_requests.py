"""The requests to Lambda, CloudWatch, KMS and EventBridge, word for word, and what their answers become.

The account in memory plays these services for whole flows; a field that it does not read is held here.
"""

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber

from deployer.aws.eventbridge import EventPublisher
from deployer.aws.executions import Executions
from deployer.aws.functions import Functions
from deployer.aws.kms import SignatureVerifier
from deployer.model.alias import Alias
from deployer.model.invocation import InvocationResult
from deployer.model.record import Record
from deployer.model.version import Readiness
from tests.pure.values import LATEST, NOON, SETTINGS, Client, drop, untouched

type Calls = Callable[[Any], object]
"""A use of a service's client."""
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
DIGEST = "ab" * 32
SHIFTED = untouched("6").shift("a" * 32, "7", 10)
NOTE = SHIFTED.recorded.encode() if SHIFTED.recorded else ""
ALIAS = {"Name": "live", "FunctionVersion": "6", "RevisionId": "r2", "Description": NOTE}
SPLIT = {"RoutingConfig": {"AdditionalVersionWeights": {"7": 0.1}}}
TEXT = drop().model_dump_json().encode()
VERSION = {"FunctionName": "orders", "Qualifier": "7"}
INVOKED = VERSION | {
    "LogType": "Tail",
    "ClientContext": base64.b64encode(b'{"custom": {"dropshift-profile": true}}').decode(),
}
MOVED = {"FunctionName": "orders", "Name": "live", "RevisionId": "r1"}
VERIFIED = {"KeyId": "key", "Signature": b"signature", "SigningAlgorithm": "ECDSA_SHA_256"}


def functions(client: Client) -> Functions:
    return Functions(client, client, client, "live")


PUBLISHING: tuple[Calls, str, dict[str, Any]] = (
    lambda client: functions(client).publish("orders", LATEST, "a release"),
    "lambda.publish_version",
    {"FunctionName": "orders", "Description": "a release", "CodeSha256": "code", "RevisionId": "r1"},
)
REQUESTS: dict[str, tuple[Calls, str, dict[str, Any], dict[str, Any], object]] = {
    "read the alias": (
        lambda client: functions(client).alias("orders"),
        "lambda.get_alias",
        {"FunctionName": "orders", "Name": "live"},
        ALIAS | SPLIT,
        SHIFTED.model_copy(update={"revision": "r2"}),
    ),
    "shift traffic": (
        lambda client: functions(client).write_alias("orders", untouched("6"), SHIFTED),
        "lambda.update_alias",
        MOVED | {"FunctionVersion": "6", "Description": NOTE, **SPLIT},
        ALIAS | SPLIT,
        SHIFTED.model_copy(update={"revision": "r2"}),
    ),
    "move an alias without a state": (
        lambda client: functions(client).write_alias("orders", untouched("6"), untouched("7")),
        "lambda.update_alias",
        MOVED | {"FunctionVersion": "7", "Description": "", "RoutingConfig": {"AdditionalVersionWeights": {}}},
        {"Name": "live", "FunctionVersion": "7", "RevisionId": "r2"},
        Alias(name="live", stable="7", revision="r2"),
    ),
    "configure": (
        lambda client: functions(client).configure(
            "orders", LATEST, LATEST.model_copy(update={"environment": {"A": "c"}, "revision": "of nobody"})
        ),
        "lambda.update_function_configuration",
        {
            "FunctionName": "orders",
            "Environment": {"Variables": {"A": "c"}},
            "MemorySize": 512,
            "Timeout": 30,
            "EphemeralStorage": {"Size": 1_024},
            "RevisionId": "r1",
        },
        {},
        None,
    ),
    "publish": (
        *PUBLISHING,
        {"Version": "7", "Description": "a release", "Environment": {"Variables": {"A": "b"}}},
        "7",
    ),
    "publish what Lambda has with another description": (
        *PUBLISHING,
        {"Version": "6", "Description": "another", "Environment": {"Variables": {"A": "b"}}},
        None,
    ),
    "publish what Lambda has with another pointer": (
        *PUBLISHING,
        {"Version": "6", "Description": "a release", "Environment": {"Variables": {"DROPSHIFT_POINTER": "other"}}},
        None,
    ),
    "delete a version": (
        lambda client: functions(client).delete("orders", "7"),
        "lambda.delete_function",
        VERSION,
        {},
        None,
    ),
    "provision what is provisioned": (
        lambda client: functions(client).provision("orders", "7", 3),
        "lambda.get_provisioned_concurrency_config",
        VERSION,
        {"RequestedProvisionedConcurrentExecutions": 3, "Status": "FAILED", "StatusReason": "no capacity"},
        Readiness(state="FAILED", reason="no capacity"),
    ),
    "unprovision": (
        lambda client: functions(client).unprovision("orders", "7"),
        "lambda.delete_provisioned_concurrency_config",
        VERSION,
        {},
        None,
    ),
    "invoke": (
        lambda client: functions(client).invoke("orders", "7", {"a": 1}),
        "lambda.invoke",
        INVOKED | {"Payload": b'{"a": 1}'},
        {
            "FunctionError": "Unhandled",
            "Payload": StreamingBody(io.BytesIO(b'{"errorType": "E"}'), 18),
            "LogResult": base64.b64encode(b"\xff" + b"x" * 4_095 + b"\n").decode(),
        },
        InvocationResult(error=True, payload={"errorType": "E"}, log="x" * 4_095 + "\n"),
    ),
    "invoke without a log": (
        lambda client: functions(client).invoke("orders", "7", None),
        "lambda.invoke",
        INVOKED | {"Payload": b"null"},
        {"Payload": StreamingBody(io.BytesIO(b""), 0)},
        InvocationResult(error=False, payload=None),
    ),
    "start a rollout": (
        lambda client: Executions(client, SETTINGS).start(drop()),
        "lambda.invoke",
        {
            "FunctionName": SETTINGS.rollout_function,
            "InvocationType": "Event",
            "DurableExecutionName": drop().release_id,
            "Payload": TEXT,
        },
        {"DurableExecutionArn": "arn"},
        "arn",
    ),
    "verify an archive's signature": (
        lambda client: SignatureVerifier(client).verify("key", bytes.fromhex(DIGEST), b"signature", "DIGEST"),
        "kms.verify",
        VERIFIED | {"Message": bytes.fromhex(DIGEST), "MessageType": "DIGEST"},
        {"SignatureValid": True},
        True,
    ),
    "verify a text's signature": (
        lambda client: SignatureVerifier(client).verify("key", b"text", b"signature"),
        "kms.verify",
        VERIFIED | {"Message": b"text", "MessageType": "RAW"},
        {"SignatureValid": True},
        True,
    ),
}


@contextmanager
def stubbed(service: str) -> Iterator[tuple[Any, Stubber]]:
    """Yield a client, and what answers for AWS; every answer has to be asked for."""
    client: Any = boto3.client(service, "eu-central-1", config=Config(signature_version=UNSIGNED))  # type: ignore[call-overload]  # any service
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_call_says_this_and_its_answer_becomes_that(name: str) -> None:
    act, operation, request, answer, expected = REQUESTS[name]
    service, _, method = operation.partition(".")
    with stubbed(service) as (client, stubber):
        stubber.add_response(method, answer, request)
        assert act(client) == expected


ERRORS: dict[str, tuple[Calls, str, str]] = {
    "a version that is not there": (
        lambda client: functions(client).published("orders", "7"),
        "lambda.get_function",
        "ResourceNotFoundException",
    ),
    "a version that was deleted before": (
        lambda client: functions(client).delete("orders", "7"),
        "lambda.delete_function",
        "ResourceNotFoundException",
    ),
    "concurrency that was ended before": (
        lambda client: functions(client).unprovision("orders", "7"),
        "lambda.delete_provisioned_concurrency_config",
        "ProvisionedConcurrencyConfigNotFoundException",
    ),
    "a configuration that others wrote": (
        lambda client: functions(client).configure("orders", LATEST, LATEST),
        "lambda.update_function_configuration",
        "PreconditionFailedException",
    ),
    "a configuration that is being changed": (
        lambda client: functions(client).configure("orders", LATEST, LATEST),
        "lambda.update_function_configuration",
        "ResourceConflictException",
    ),
    "a version of what others wrote": (
        lambda client: functions(client).publish("orders", LATEST, "a release"),
        "lambda.publish_version",
        "PreconditionFailedException",
    ),
    "a version while a change is being applied": (
        lambda client: functions(client).publish("orders", LATEST, "a release"),
        "lambda.publish_version",
        "ResourceConflictException",
    ),
    "an execution with another payload": (
        lambda client: Executions(client, SETTINGS).start(drop()),
        "lambda.invoke",
        "DurableExecutionAlreadyStartedException",
    ),
    "an unknown execution": (
        lambda client: Executions(client, SETTINGS).find("arn"),
        "lambda.get_durable_execution",
        "ResourceNotFoundException",
    ),
    "a forged signature": (
        lambda client: SignatureVerifier(client).verify("key", b"text", b"forged"),
        "kms.verify",
        "KMSInvalidSignatureException",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_expected_error_is_an_answer_and_every_other_one_is_raised(name: str) -> None:
    act, operation, code = ERRORS[name]
    service, _, method = operation.partition(".")
    with stubbed(service) as (client, stubber):
        stubber.add_client_error(method, code)
        assert act(client) is (False if service == "kms" else None)
        stubber.add_client_error(method, "AccessDenied")
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            act(client)


def test_what_cannot_be_meant_is_not_asked_of_lambda() -> None:
    with stubbed("lambda") as (client, _):
        with pytest.raises(ValueError, match=r"'\$LATEST' is not a published version"):
            functions(client).delete("orders", "$LATEST")
        with pytest.raises(ValueError, match="not read"):
            functions(client).configure("orders", LATEST.model_copy(update={"environment_error": "hidden"}), LATEST)
        assert functions(client).write_alias("orders", SHIFTED, SHIFTED) is SHIFTED


def test_concurrency_is_asked_for_where_there_is_none_or_another() -> None:
    wanted = VERSION | {"ProvisionedConcurrentExecutions": 3}
    with stubbed("lambda") as (client, stubber):
        for present in (None, 2):
            reading = "get_provisioned_concurrency_config"
            if present is None:
                missing = "ProvisionedConcurrencyConfigNotFoundException"
                stubber.add_client_error(reading, missing, expected_params=VERSION)
            else:
                found = {"RequestedProvisionedConcurrentExecutions": present, "Status": "READY"}
                stubber.add_response(reading, found, VERSION)
            stubber.add_response("put_provisioned_concurrency_config", {"Status": "IN_PROGRESS"}, wanted)
            assert functions(client).provision("orders", "7", 3) == Readiness(state="IN_PROGRESS")


@pytest.mark.parametrize(("alias", "has_concurrency"), [("live", True), ("not-live", False)])
def test_provisioned_concurrency_of_the_alias_is_not_that_of_a_version(alias: str, *, has_concurrency: bool) -> None:
    configs = [{"FunctionArn": f"{ARN}:{one}", "RequestedProvisionedConcurrentExecutions": 3} for one in ("7", alias)]
    with stubbed("lambda") as (client, stubber):
        for qualifier in ("$LATEST", "live"):
            found = {"Configuration": {"MemorySize": 512, "Timeout": 30}}
            stubber.add_response("get_function", found, VERSION | {"Qualifier": qualifier})
        stubber.add_response("list_provisioned_concurrency_configs", {"ProvisionedConcurrencyConfigs": configs})
        assert functions(client).configuration("orders").alias_has_concurrency is has_concurrency


def test_versions_come_oldest_first_from_all_pages_and_latest_is_none() -> None:
    with stubbed("lambda") as (client, stubber):
        pages = [["$LATEST", "10", "9"], ["2", "1"]]
        for number, page in enumerate(pages):
            marker = {"Marker": "more"} if number else {}
            more = {} if number else {"NextMarker": "more"}
            versions = [{"Version": one} for one in page]
            request = {"FunctionName": "orders", **marker}
            stubber.add_response("list_versions_by_function", {"Versions": versions, **more}, request)
        assert [one.version for one in functions(client).versions("orders")] == ["1", "2", "9", "10"]


def test_the_versions_of_all_aliases_are_named() -> None:
    other = {"Name": "other", "FunctionVersion": "3", "RevisionId": "r1"}
    with stubbed("lambda") as (client, stubber):
        stubber.add_response("list_aliases", {"Aliases": [ALIAS | SPLIT, other]}, {"FunctionName": "orders"})
        assert functions(client).aliased_versions("orders") == {"3", "6", "7"}


@pytest.mark.parametrize(
    ("payload", "result", "status", "drop_found", "ended"),
    [
        (TEXT.decode(), '{"status": "live", "reason": "has all traffic", "more": 1}', "SUCCEEDED", True, "live"),
        (TEXT.decode(), '{"status": "shifting", "reason": "x"}', "SUCCEEDED", True, None),
        (drop("hello/other.zip").model_dump_json(), "null", "FAILED", False, None),
        (None, None, "RUNNING", False, None),
    ],
)
def test_an_execution_is_ours_when_its_name_is_that_of_its_drop(
    payload: str | None, result: str | None, status: str, *, drop_found: bool, ended: str | None
) -> None:
    always = {"DurableExecutionArn": "arn", "FunctionArn": SETTINGS.rollout_function, "StartTimestamp": NOON}
    found = {**always, "DurableExecutionName": drop().release_id, "Status": status}
    found |= ({"InputPayload": payload} if payload else {}) | ({"Result": result} if result else {})
    with stubbed("lambda") as (client, stubber):
        stubber.add_response("get_durable_execution", found, {"DurableExecutionArn": "arn"})
        execution = Executions(client, SETTINGS).find("arn")
    assert execution is not None
    assert execution.drop == (drop() if drop_found else None)
    assert (execution.ending and execution.ending.status) == ended
    assert execution.died is (status == "FAILED")


# --- EventBridge ------------------------------------------------------------------------------------------------------

RECORD = Record.received(drop("hello/é.zip"), NOON)


def announced(stubber: Stubber, answer: dict[str, Any] | None) -> None:
    if answer is None:
        return stubber.add_client_error("put_events", "ThrottlingException")
    return stubber.add_response("put_events", answer)


def test_a_change_is_put_on_the_bus_of_the_stack_in_readable_json() -> None:
    sent: list[dict[str, Any]] = []
    with stubbed("events") as (client, stubber):
        client.meta.events.register("provide-client-params.events.PutEvents", lambda params, **_: sent.append(params))
        announced(stubber, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})
        EventPublisher(client, SETTINGS.model_copy(update={"event_bus": "news"})).announce(RECORD)
    [entry] = sent[0]["Entries"]
    assert (entry["Source"], entry["DetailType"]) == ("dropshift", "Release Changed")
    assert entry["EventBusName"] == "news"
    assert json.loads(entry["Detail"])["function"] == "dropshift-app-hello"
    assert "é" in entry["Detail"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}, None),
        ({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}, "InternalFailure"),
        (None, "ThrottlingException"),
    ],
)
def test_an_announcement_that_is_lost_is_logged_and_delays_nothing(
    answer: dict[str, Any] | None, reason: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    with stubbed("events") as (client, stubber), caplog.at_level(logging.WARNING):
        announced(stubber, answer)
        EventPublisher(client, SETTINGS).announce(RECORD)
    lost = [vars(one) for one in caplog.records if one.message == "announcement.lost"]
    assert len(lost) == (reason is not None)
    assert all(reason in one["reason"] and one["release"] == RECORD.release_id for one in lost if reason)
