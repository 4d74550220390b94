"""The stand-ins are no kinder than the local AWS, and the engine does as the durable SDK does."""

import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aws_durable_execution_sdk_python.config import StepConfig
from aws_durable_execution_sdk_python.exceptions import ExecutionError
from aws_durable_execution_sdk_python.retries import RetryDecision
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
from botocore.exceptions import ClientError

from deployer import rollout
from deployer.deployer import Deployer
from deployer.model.release import Release
from tests.faults import engine, functions
from tests.faults.account import Account
from tests.faults.buckets import S3
from tests.faults.faults import Kind
from tests.faults.flows import FLOWS, STAGES, prepared
from tests.faults.wiring import REGION, connected, inhabited
from tests.faults.world import World, packed
from tests.local import LocalAws
from tests.local.configuration import REGION as LOCAL_REGION
from tests.local.durable_runner import real_arns
from tests.reliances.limits import PERSISTED, STEP_RESULT

_numbers = itertools.count(1)
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:lost"


class Aws:
    """Clients of one AWS, with a function and a bucket of their own."""

    def __init__(self, lambda_: Any, s3: Any, function: str, bucket: str) -> None:  # noqa: ANN401 - either's clients
        self.lambda_, self.s3, self.function, self.bucket = lambda_, s3, function, bucket

    def move(self, **fields: Any) -> Any:  # noqa: ANN401 - as UpdateAlias
        return self.lambda_.update_alias(FunctionName=self.function, Name="live", **fields)

    def alias(self) -> Any:  # noqa: ANN401 - as GetAlias
        return self.lambda_.get_alias(FunctionName=self.function, Name="live")

    def configure(self, text: str, **fields: Any) -> Any:  # noqa: ANN401 - as UpdateFunctionConfiguration
        environment = {"Variables": {"TEXT": text}}
        made = self.lambda_.update_function_configuration(FunctionName=self.function, Environment=environment, **fields)
        self.lambda_.get_waiter("function_updated_v2").wait(FunctionName=self.function, WaiterConfig={"Delay": 1})
        return made

    def publish(self, **fields: Any) -> Any:  # noqa: ANN401 - as PublishVersion
        return self.lambda_.publish_version(FunctionName=self.function, **fields)

    def put(self, body: bytes, **fields: Any) -> Any:  # noqa: ANN401 - as PutObject
        return self.s3.put_object(Bucket=self.bucket, Key="a key", Body=body, **fields)


@pytest.fixture(params=["stand-in", "local AWS"])
def aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Return the same on the stand-in and on the local AWS."""
    function, bucket = f"contract-{next(_numbers)}", f"contract-{next(_numbers)}"
    if request.param == "stand-in":
        return _stand_in(function, bucket, monkeypatch)
    local: LocalAws = request.getfixturevalue("local_aws")
    return _local(local, function, bucket)


def _stand_in(function: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setattr(functions, "APPLYING", timedelta())
    monkeypatch.setattr(functions, "PENDING", timedelta())
    account = Account()
    account.s3 = S3(account.clock, [bucket])
    account.lambda_.create(function, "live")
    session = connected(lambda: account)
    return Aws(session.client("lambda"), session.client("s3"), function, bucket)


def _local(local: LocalAws, function: str, bucket: str) -> Aws:
    made = Aws(local.client("lambda"), local.client("s3"), function, bucket)
    made.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": LOCAL_REGION})
    made.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made.lambda_.create_function(
        FunctionName=function,
        Runtime="python3.13",
        Role="arn:aws:iam::123456789012:role/none",
        Handler="bootstrap.handler",
        Code={"ZipFile": packed("contract")},
        Publish=True,
    )
    made.lambda_.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    return made


def refused(call: Callable[[], object]) -> str:
    """Return the code with which a call is refused; "done" when it is not."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


def test_an_alias_moves_only_from_the_revision_that_was_read(aws: Aws) -> None:
    believed = aws.alias()["RevisionId"]
    moved = aws.move(Description="first", RevisionId=believed)
    assert moved["RevisionId"] != believed
    assert refused(lambda: aws.move(Description="second", RevisionId=believed)) == "PreconditionFailedException"
    assert aws.alias()["Description"] == "first"
    assert refused(lambda: aws.move(Description="third")) == "done"


def test_weights_stay_until_they_are_written_and_name_versions_that_exist(aws: Aws) -> None:
    aws.configure("one")
    version = aws.publish()["Version"]
    aws.move(RoutingConfig={"AdditionalVersionWeights": {version: 0.1}})
    aws.move(Description="said")
    assert aws.alias()["RoutingConfig"]["AdditionalVersionWeights"] == {version: 0.1}
    aws.move(RoutingConfig={"AdditionalVersionWeights": {}})
    assert not aws.alias().get("RoutingConfig", {}).get("AdditionalVersionWeights")


INVALID, MISSING = "InvalidParameterValueException", "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"FunctionVersion": "9"}, MISSING),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"9": 0.1}}}, MISSING),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 1.5}}}, INVALID),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}}, INVALID),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}}}, INVALID),
    ],
)
def test_an_alias_takes_only_versions_and_weights_that_can_be(aws: Aws, change: dict[str, Any], code: str) -> None:
    aws.configure("two")
    assert aws.publish()["Version"] == "2"
    before = aws.alias()["RevisionId"]
    assert refused(lambda: aws.move(**change)) == code
    assert aws.alias()["RevisionId"] == before


@pytest.mark.parametrize(
    "changed", [{"Role": "arn:aws:iam::123456789012:role/b"}, {"DeadLetterConfig": {"TargetArn": QUEUE}}]
)
def test_versions_of_two_roles_or_dead_letter_queues_share_no_traffic(aws: Aws, changed: dict[str, Any]) -> None:
    """Source: AWS Lambda developer guide, Lambda alias routing configuration."""
    aws.configure("one", **changed)
    version = aws.publish()["Version"]
    assert refused(lambda: aws.move(RoutingConfig={"AdditionalVersionWeights": {version: 0.1}})) == INVALID
    assert refused(lambda: aws.move(FunctionVersion=version)) == "done"


def test_an_alias_with_provisioned_concurrency_takes_no_weights_and_one_with_weights_no_concurrency(aws: Aws) -> None:
    """Sources: hashicorp/terraform-provider-aws#48116, aws/serverless-application-model#1296."""
    aws.configure("one")
    version = aws.publish()["Version"]
    of_alias = {"FunctionName": aws.function, "Qualifier": "live"}
    wanted, weights = {**of_alias, "ProvisionedConcurrentExecutions": 2}, {"AdditionalVersionWeights": {version: 0.1}}
    aws.lambda_.put_provisioned_concurrency_config(**wanted)
    listed = aws.lambda_.list_provisioned_concurrency_configs(FunctionName=aws.function)
    assert [one["FunctionArn"].rpartition(":")[2] for one in listed["ProvisionedConcurrencyConfigs"]] == ["live"]
    assert refused(lambda: aws.move(RoutingConfig=weights)) == INVALID
    aws.lambda_.delete_provisioned_concurrency_config(**of_alias)
    assert refused(lambda: aws.move(RoutingConfig=weights)) == "done"
    assert refused(lambda: aws.lambda_.put_provisioned_concurrency_config(**wanted)) == INVALID


def test_a_version_is_published_from_what_was_read_and_once(aws: Aws) -> None:
    before = aws.lambda_.get_function_configuration(FunctionName=aws.function)["RevisionId"]
    aws.configure("one", RevisionId=before)
    assert refused(lambda: aws.configure("two", RevisionId=before)) == "PreconditionFailedException"
    assert refused(lambda: aws.publish(RevisionId=before)) == "PreconditionFailedException"
    believed = aws.lambda_.get_function_configuration(FunctionName=aws.function)["RevisionId"]
    made = aws.publish(RevisionId=believed, Description="first")
    assert made["Environment"]["Variables"] == {"TEXT": "one"}
    again = aws.publish(Description="second")
    assert (again["Version"], again["Description"]) == (made["Version"], "first")
    found = aws.lambda_.list_versions_by_function(FunctionName=aws.function)["Versions"]
    assert {one["Version"] for one in found} == {"$LATEST", "1", made["Version"]}


def test_objects_are_written_under_conditions(aws: Aws) -> None:
    first = aws.put(b"first", IfNoneMatch="*")
    assert refused(lambda: aws.put(b"second", IfNoneMatch="*")) == "PreconditionFailed"
    second = aws.put(b"second", IfMatch=first["ETag"])
    assert refused(lambda: aws.put(b"third", IfMatch=first["ETag"])) == "PreconditionFailed"
    assert second["VersionId"] != first["VersionId"]
    read = {"Bucket": aws.bucket, "Key": "a key", "VersionId": first["VersionId"]}
    found = aws.s3.get_object(**read, Range="bytes=1-3")
    assert (found["Body"].read(), found["ContentLength"]) == (b"irs", 3)
    assert aws.s3.head_object(**read)["ETag"] == first["ETag"]


def test_what_is_not_there_is_said_to_be_missing(aws: Aws) -> None:
    where = {"Bucket": aws.bucket, "Key": "none"}
    assert refused(lambda: aws.s3.get_object(**where)) == "NoSuchKey"
    assert refused(lambda: aws.s3.head_object(**where)) == "404"
    assert refused(lambda: aws.put(b"late", IfMatch='"none"')) == "NoSuchKey"
    assert refused(lambda: aws.s3.abort_multipart_upload(**where, UploadId="none")) == "NoSuchUpload"
    missing = {"FunctionName": aws.function, "Qualifier": "99"}
    assert refused(lambda: aws.lambda_.get_function_configuration(**missing)) == "ResourceNotFoundException"


def test_parts_become_one_object_version(aws: Aws) -> None:
    where = {"Bucket": aws.bucket, "Key": "parts"}
    upload = aws.s3.create_multipart_upload(**where)["UploadId"]
    sent = aws.s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"all")
    assert refused(lambda: aws.s3.head_object(**where)) == "404"
    parts = {"Parts": [{"PartNumber": 1, "ETag": sent["ETag"]}]}
    made = aws.s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)
    found = aws.s3.list_object_versions(Bucket=aws.bucket, Prefix="par")["Versions"]
    assert [(one["Key"], one["VersionId"], one["Size"]) for one in found] == [("parts", made["VersionId"], 3)]
    aws.s3.delete_object(**where, VersionId=made["VersionId"])
    assert not aws.s3.list_objects_v2(Bucket=aws.bucket).get("Contents")


# --- the engine ----------------------------------------------------------------------------------------------------


def _by_engine(world: World) -> dict[str, str]:
    world.run()
    ended = list(world.executions.values())[-1]
    return {key: str(value) for key, value in (ended.result or {}).items()}


def _by_sdk(world: World) -> dict[str, str]:
    """Have AWS's own in-process runner do what the engine would."""
    world.receive(world.inbox[0])
    drop = world.drops[-1]
    world.executions[drop.release_id].status = "ELSEWHERE"
    world.account.begin(f"rollout {drop.release_id}")
    with real_arns(), DurableFunctionTestRunner(rollout.handler, execution_timeout=300, region=REGION) as runner:
        ended = runner.run(input=drop.model_dump_json(), execution_name=drop.release_id)
    result: dict[str, str] = json.loads(str(ended.result))
    return result


@pytest.mark.parametrize("fault", [None, ("PublishVersion", Kind.THROTTLED), ("GetMetricData", Kind.DENIED)])
def test_the_engine_does_as_the_durable_sdk(fault: tuple[str, Kind] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "APPLYING", timedelta())
    monkeypatch.setattr(functions, "PENDING", timedelta())
    told = []
    for way in (_by_engine, _by_sdk):
        with inhabited(prepared(FLOWS[1].before)) as world:
            if fault:
                world.account.chance = lambda call: fault[1] if call.operation == fault[0] else None
            world.drop("1.1", STAGES)
            ended = way(world)
        calls = [(call.operation, call.outcome) for call in world.account.calls if call.service != "engine"]
        told.append((ended, calls, world.alias().traffic))
    assert told[0] == told[1]


def test_the_engine_keeps_a_result_of_262144_bytes_and_none_that_is_larger() -> None:
    """As the local AWS: tests/end_to_end/test_local_aws_durable.py."""
    account, config = Account(), StepConfig(retry_strategy=lambda _error, _attempts: RetryDecision.no_retry())
    context = engine.Context(account, engine.Execution("sized", "{}", account.now))
    assert context.step(lambda _: "x" * (STEP_RESULT - 2), "fits", config)
    with pytest.raises(ExecutionError, match="262144"):
        context.step(lambda _: "x" * (STEP_RESULT - 1), "does not", config)


def test_the_engine_keeps_no_more_than_100_megabytes() -> None:
    account, config = Account(), StepConfig(retry_strategy=lambda _error, _attempts: RetryDecision.no_retry())
    context = engine.Context(account, engine.Execution("kept", "{}", account.now))
    large = "x" * (STEP_RESULT - 2)
    for number in range(PERSISTED // STEP_RESULT):
        context.step(lambda _: large, f"{number}", config)
    with pytest.raises(ExecutionError, match=str(PERSISTED)):
        context.step(lambda _: large, "one more", config)


def test_a_step_whose_result_the_engine_would_refuse_says_so_instead() -> None:
    """An input that is not bounded where it comes in ends its own release, and no execution."""

    def inflate(_deployer: Deployer, release: Release) -> Release:
        return release.model_copy(update={"version": "x" * 250_000})

    with inhabited(prepared(FLOWS[0].before)) as world:
        drop = world.drop("1.0")
        execution = engine.Execution("inflated", "{}", world.account.now)
        run = rollout.Run(engine.Context(world.account, execution), Release(drop=drop))  # type: ignore[arg-type]
        with pytest.raises(
            rollout.StepFailedError, match=r"inflate failed permanently: its result takes 250\d{3} bytes"
        ):
            run.step(inflate, run.release)
    assert run.release == Release(drop=drop)
