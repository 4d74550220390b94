"""An application, a pipeline and a stranger with far too much granted move and read nothing of another application."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.deployment import APPLICATION
from tests.end_to_end.stack import FUNCTION, Stack
from tests.local import LocalAws, functions
from tests.local.configuration import ACCOUNT
from tests.local.functions import ask, policy

OTHER = "orders"
"""The application whose role was granted too much; the one that it tries to hurt is APPLICATION."""
BREAK_GLASS = f"arn:aws:iam::{ACCOUNT}:role/on-call/break-glass"
WIDE = {"Effect": "Allow", "Action": ["s3:*", "lambda:*", "kms:*", "events:*"], "Resource": "*"}
DENIED = {"AccessDenied", "403"}
"""A HEAD's refusal has no body, and so no code."""


@dataclass
class Ground:
    """A stack with IAM enforced, releases of an application, and functions that act as other roles."""

    stack: Stack
    asking: dict[str, str]

    def call(self, role: str, service: str, operation: str, **parameters: object) -> str:
        """Return "allowed", or the error that a role got."""
        return ask(self.stack.aws, self.asking[role], service, operation, **parameters)

    @property
    def bundles(self) -> str:
        """The bundles bucket."""
        return self.stack.outputs["BundlesBucket"]

    def keys(self, prefix: str) -> list[str]:
        """Keys of the bundles bucket that a read without a version finds."""
        found = self.stack.s3.list_objects_v2(Bucket=self.bundles, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", [])]

    def world(self) -> Any:  # noqa: ANN401 - compared as it is
        """Return everything that nobody may move: objects, settings of buckets, alias, versions, configuration."""
        s3, name = self.stack.s3, self.stack.outputs["ReleasesBucket"]
        objects = [
            {(one["Key"], one["VersionId"]) for kind in ("Versions", "DeleteMarkers") for one in listed.get(kind, [])}
            for listed in (s3.list_object_versions(Bucket=bucket) for bucket in (self.bundles, name))
        ]
        settings = [
            (
                s3.get_bucket_versioning(Bucket=bucket)["Status"],
                s3.get_bucket_policy(Bucket=bucket)["Policy"],
                s3.get_bucket_notification_configuration(Bucket=bucket).get("LambdaFunctionConfigurations"),
            )
            for bucket in (self.bundles, name)
        ]
        versions = self.stack.lambda_.list_versions_by_function(FunctionName=FUNCTION)["Versions"]
        return objects, settings, self.stack.traffic, [(one["Version"], one["RevisionId"]) for one in versions]


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with LocalAws(auth=True, speed=60) as aws:
        stack = Stack(aws, given={"BreakGlassRole": BREAK_GLASS})
        role = aws.application(OTHER)["Role"]
        stack.live("1.0")
        stack.live("1.1")
        assert stack.command("rollback")["answer"].startswith("rolled back")
        functions.grant(aws, role.rpartition("/")[2], WIDE)
        tags = {"dropshift-application": OTHER}
        pipeline = functions.role(aws, "pipeline", tags=tags)
        aws.client("iam").attach_role_policy(RoleName="pipeline", PolicyArn=stack.outputs["PublisherPolicy"])
        asking = {
            OTHER: role,
            "stranger": functions.role(aws, "stranger", WIDE),
            "pipeline": pipeline,
            "wide pipeline": functions.role(aws, "wide-pipeline", WIDE, tags=tags),
            "break-glass": functions.role(aws, "break-glass", WIDE, path="/on-call/"),
        }
        yield Ground(stack, {name: functions.asking(aws, role) for name, role in asking.items()})


def _on_buckets(ground: Ground) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield everything in S3 by which one could hide, replace, expire or redirect what is another's."""
    for bucket in (ground.bundles, ground.stack.outputs["ReleasesBucket"]):
        at = {"Bucket": bucket}
        yield "put_bucket_versioning", {**at, "VersioningConfiguration": {"Status": "Suspended"}}
        rule = {"ID": "x", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}
        yield "put_bucket_lifecycle_configuration", {**at, "LifecycleConfiguration": {"Rules": [rule]}}
        yield "delete_bucket_lifecycle", at
        yield "put_bucket_policy", {**at, "Policy": policy({"Effect": "Deny", "Action": "s3:x", "Resource": "*"})}
        yield "delete_bucket_policy", at
        yield "delete_bucket_encryption", at
        yield "put_bucket_notification_configuration", {**at, "NotificationConfiguration": {}}
        for listed in ground.stack.s3.list_object_versions(Bucket=bucket).get("Versions", []):
            yield "delete_object", {**at, "Key": listed["Key"]}
            yield "delete_object", {**at, "Key": listed["Key"], "VersionId": listed["VersionId"]}


def _on_another(ground: Ground) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield everything else that a role with wide grants could try against another application."""
    releases = ground.stack.outputs["ReleasesBucket"]
    for operation, parameters in _on_buckets(ground):
        yield "s3", operation, parameters
    for listed in ground.stack.s3.list_object_versions(Bucket=ground.bundles)["Versions"]:
        at = {"Bucket": ground.bundles, "Key": listed["Key"]}
        yield "s3", "get_object", at
        yield "s3", "get_object", {**at, "VersionId": listed["VersionId"]}
        yield "s3", "head_object", {**at, "VersionId": listed["VersionId"]}
        yield "s3", "put_object", {**at, "Body": "planted"}
        yield "s3", "copy_object", {"Bucket": "anybodys", "Key": "k", "CopySource": f"{ground.bundles}/{listed['Key']}"}
    yield "s3", "list_objects_v2", {"Bucket": ground.bundles}
    yield "s3", "list_objects_v2", {"Bucket": releases}
    yield "s3", "put_object", {"Bucket": releases, "Key": f"{APPLICATION}/evil.zip", "Body": "planted"}
    yield "s3", "get_object", {"Bucket": releases, "Key": f"{APPLICATION}/1.0.zip"}
    for function, qualifier in _deployer(ground.stack):
        named = {"FunctionName": function, **({"Qualifier": qualifier} if qualifier else {})}
        for action in ("rollback", "status", "prune", "redeploy"):
            payload = json.dumps({"action": action, "application": APPLICATION})
            yield "lambda", "invoke", {**named, "Payload": payload}
            yield "lambda", "invoke", {**named, "Payload": payload, "InvocationType": "Event"}
    alias = {"FunctionName": FUNCTION, "Name": "live"}
    yield "lambda", "update_alias", {**alias, "FunctionVersion": "1"}
    yield "lambda", "delete_alias", alias
    yield "lambda", "publish_version", {"FunctionName": FUNCTION}
    yield "lambda", "update_function_configuration", {"FunctionName": FUNCTION, "Environment": {"Variables": {}}}
    yield "lambda", "delete_function", {"FunctionName": FUNCTION}


def _deployer(stack: Stack) -> Iterator[tuple[str, str | None]]:
    """Yield the controller and the rollout, by every name that they have."""
    for function in (stack.outputs["Controller"], stack.outputs["Rollout"]):
        yield function, None
        for alias in stack.lambda_.list_aliases(FunctionName=function)["Aliases"]:
            yield function, alias["Name"]


def test_an_application_that_may_everything_moves_and_reads_nothing_of_another(ground: Ground) -> None:
    before = ground.world()
    ask = partial(ground.call, OTHER)
    tried = [
        (service, operation, which, ask(service, operation, **which))
        for service, operation, which in _on_another(ground)
    ]
    assert [one for one in tried if one[-1] not in DENIED] == []
    assert ground.world() == before
    assert ground.stack.ask()[1] == "1.0"


def test_whoever_may_everything_in_s3_hides_expires_and_opens_nothing(ground: Ground) -> None:
    before = ground.world()
    tried = [
        (operation, which, ground.call("stranger", "s3", operation, **which))
        for operation, which in _on_buckets(ground)
    ]
    assert [one for one in tried if one[-1] not in DENIED] == []
    assert ground.world() == before
    again = ground.stack.command("redeploy", release="1.1")
    assert again["answer"].startswith("refused"), "the mark of the rolled-back bytes is still seen"


@pytest.mark.parametrize("role", ["pipeline", "wide pipeline"])
def test_a_pipeline_drops_releases_of_the_application_that_its_tag_names(ground: Ground, role: str) -> None:
    at = {"Bucket": ground.stack.outputs["ReleasesBucket"], "Body": "no archive"}
    assert ground.call(role, "s3", "put_object", Key=f"{OTHER}/1.0.zip.sig", **at) == "allowed"
    assert ground.call(role, "s3", "put_object", Key=f"{APPLICATION}/1.0.zip.sig", **at) == "AccessDenied"
    assert ground.call(role, "s3", "put_object", Key=f"{OTHER}-2/1.0.zip.sig", **at) == "AccessDenied"
    assert ground.call(role, "s3", "put_object", Bucket=ground.bundles, Key=f"records/{OTHER}/x.json") == "AccessDenied"


def test_the_policy_of_a_pipeline_grants_nothing_but_drops(ground: Ground) -> None:
    releases = ground.stack.outputs["ReleasesBucket"]
    for bucket, key in ((releases, f"{OTHER}/1.0.zip.sig"), (ground.bundles, ground.keys("records/")[0])):
        assert ground.call("pipeline", "s3", "get_object", Bucket=bucket, Key=key) == "AccessDenied"
    assert ground.call("pipeline", "lambda", "invoke", FunctionName=FUNCTION) == "AccessDenied"


def test_the_role_that_breaks_glass_may_mend_by_hand_what_nobody_else_may(ground: Ground) -> None:
    ask = partial(ground.call, "break-glass", "s3")
    at = {"Bucket": ground.stack.outputs["ReleasesBucket"], "Key": f"{APPLICATION}/1.1.zip"}
    assert ask("delete_object", **at) == "allowed"
    key = ground.keys(f"records/{APPLICATION}/")[0]
    assert ask("delete_object", Bucket=ground.bundles, Key=key) == "allowed"
    versioning = {"VersioningConfiguration": {"Status": "Enabled"}}
    assert ask("put_bucket_versioning", Bucket=ground.bundles, **versioning) == "allowed"
    assert ask("put_object", Bucket=ground.bundles, Key=key) == "AccessDenied"
