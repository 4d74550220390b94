"""With IAM enforced, a function of the local AWS may do what its role allows, on what it allows, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local import LocalAws, functions
from tests.local.configuration import ACCOUNT, REGION
from tests.local.functions import ask, create, policy

FUNCTIONS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"


@pytest.fixture(scope="module")
def guarded() -> Iterator[LocalAws]:
    """Yield a local AWS that enforces the policies of function roles."""
    with LocalAws(auth=True) as aws:
        functions.role(aws, "test")
        yield aws


@pytest.fixture(scope="module")
def target(guarded: LocalAws) -> str:
    """Return a function with a version 1 and an alias."""
    client, name = guarded.client("lambda"), create(guarded, "def handler(event, context): return 1")
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


@pytest.fixture(scope="module")
def asking(guarded: LocalAws, target: str) -> str:
    """Return a function whose role may move the target's alias, invoke its version and read one of its executions."""
    allowed = [
        (["lambda:UpdateAlias", "lambda:GetAlias"], f"{FUNCTIONS}:{target}"),
        (["lambda:InvokeFunction"], f"{FUNCTIONS}:{target}:*"),
        (["s3:GetObjectVersion"], "arn:aws:s3:::guarded-bucket/mine/*"),
        (["s3:PutObject"], "arn:aws:s3:::role-bucket/*"),
        (["lambda:ListDurableExecutionsByFunction"], f"{FUNCTIONS}:{target}"),
    ]
    statements = [{"Effect": "Allow", "Action": actions, "Resource": resource} for actions, resource in allowed]
    return functions.asking(guarded, functions.role(guarded, "asking", *statements))


def test_moving_an_alias_needs_update_alias(guarded: LocalAws, target: str, asking: str) -> None:
    alias = {"FunctionName": target, "Name": "live"}
    assert ask(guarded, asking, "lambda", "get_alias", **alias) == "allowed"
    assert ask(guarded, asking, "lambda", "update_alias", **alias, FunctionVersion="1") == "allowed"
    assert ask(guarded, asking, "lambda", "delete_alias", **alias) == "AccessDenied"
    assert ask(guarded, asking, "lambda", "list_aliases", FunctionName=target) == "AccessDenied"
    (write,) = [call for call in guarded.calls() if call.action == "UpdateAlias"]
    assert write.caller.endswith(f"/{asking}")


def test_a_qualifier_belongs_to_the_resource(guarded: LocalAws, target: str, asking: str) -> None:
    assert ask(guarded, asking, "lambda", "invoke", FunctionName=target, Qualifier="1") == "allowed"
    assert ask(guarded, asking, "lambda", "invoke", FunctionName=target) == "AccessDenied"


def test_durable_executions_have_actions_of_their_own(guarded: LocalAws, target: str, asking: str) -> None:
    execution = f"{FUNCTIONS}:{target}:1/durable-execution/a/b"
    listed = ask(guarded, asking, "lambda", "list_durable_executions_by_function", FunctionName=target)
    read = ask(guarded, asking, "lambda", "get_durable_execution", DurableExecutionArn=execution)
    assert (listed, read) == ("allowed", "AccessDenied")


def test_a_version_of_an_object_is_read_by_get_object_version_past_a_policy_that_demands_tls(
    guarded: LocalAws, asking: str
) -> None:
    client, bucket = guarded.client("s3"), "guarded-bucket"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    tls = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    client.put_bucket_policy(Bucket=bucket, Policy=policy(_deny(bucket) | tls))
    mine, other = (client.put_object(Bucket=bucket, Key=key, Body=b"1")["VersionId"] for key in ("mine/1", "other/1"))
    assert ask(guarded, asking, "s3", "get_object", Bucket=bucket, Key="mine/1", VersionId=mine) == "allowed"
    assert ask(guarded, asking, "s3", "get_object", Bucket=bucket, Key="mine/1") == "AccessDenied"
    assert ask(guarded, asking, "s3", "get_object", Bucket=bucket, Key="other/1", VersionId=other) == "AccessDenied"


def test_a_bucket_policy_knows_a_function_by_the_arn_of_its_role(guarded: LocalAws, asking: str) -> None:
    client, bucket = guarded.client("s3"), "role-bucket"
    role = guarded.client("iam").get_role(RoleName="asking")["Role"]["Arn"]
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    verdicts = []
    for writer in (role, f"{role}-other"):
        only = {"Condition": {"ArnNotEquals": {"aws:PrincipalArn": writer}}, "Action": "s3:PutObject"}
        client.put_bucket_policy(Bucket=bucket, Policy=policy(_deny(bucket) | only))
        verdicts.append(ask(guarded, asking, "s3", "put_object", Bucket=bucket, Key="1", Body="1"))
    assert verdicts == ["allowed", "AccessDenied"]


def _deny(bucket: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
