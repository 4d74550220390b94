"""An account to deploy to: a real one by SAM, or the local AWS. Both are left as they were found."""

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.deployment import APPLICATION
from tests.local import LocalAws

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "dropshift-live-"
"""Begins the name of every stack that is made here; nothing of another name is ever removed."""
_PATIENT = Config(read_timeout=900, retries={"mode": "standard", "total_max_attempts": 6})


class Account(Protocol):
    """The target of the stack."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - one client class a service
        """Return a boto3 client."""

    def deploy(self, stack: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Build and deploy; the outputs."""


@dataclass
class Real:
    """The account and region of the environment's credentials, as boto3 and `sam` find them."""

    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:  # noqa: ANN401 - as above
        if service not in self._clients:
            self._clients[service] = boto3.client(service, config=_PATIENT)  # type: ignore[call-overload] # any of them
        return self._clients[service]

    def deploy(self, stack: str, parameters: Mapping[str, str]) -> dict[str, str]:
        _run("make", "build", f"ARCHITECTURE={parameters['Architecture']}")
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        settled = ["--no-confirm-changeset", "--no-progressbar", "--tags", "made-by=dropshift-live-tests"]
        sam = str(ROOT / ".venv-sam" / "bin" / "sam")
        _run(sam, "deploy", "--stack-name", stack, *settled, "--parameter-overrides", *overrides)
        _run("make", "-s", "package-python3.13", f"ARTIFACTS_DIR={ROOT / 'build' / 'application'}", overrides[0])
        which = ["-t", "deployer/application.yaml", "--config-file", str(ROOT / "samconfig.toml")]
        named = [f"Deployer={stack}", f"Application={APPLICATION}"]
        name = f"{stack}-app-{APPLICATION}"
        _run(sam, "deploy", *which, "--stack-name", name, *settled, "--parameter-overrides", *overrides, *named)
        return outputs(self.client("cloudformation"), stack)


@dataclass
class Local:
    """The local AWS: proves these tests without an account."""

    aws: LocalAws

    def client(self, service: str) -> Any:  # noqa: ANN401 - as above
        return self.aws.client(service)

    def deploy(self, stack: str, parameters: Mapping[str, str]) -> dict[str, str]:
        given = {name: value for name, value in parameters.items() if name != "Architecture"}
        deployed = self.aws.deploy(stack, given)
        named = {"Deployer": stack, "Application": APPLICATION}
        self.aws.deploy(f"{stack}-app-{APPLICATION}", {**given, **named}, ROOT / "deployer" / "application.yaml")
        return deployed


def _run(*command: str) -> None:
    """Run with its output shown: a deployment takes minutes, and prints its own errors."""
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)


def outputs(cloudformation: Any, stack: str) -> dict[str, str]:  # noqa: ANN401 - a boto3 client
    """Return the outputs of a stack."""
    (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}


def remove(account: Account, stack: str) -> None:
    """Delete the stack, and the buckets that outlive it with every version in them.

    Lambda deletes a durable function when its executions have ended, and a release that is held may run for days: they
    are stopped first. The bundles bucket's policy keeps even administrators from deleting versions: it goes first.
    """
    if not stack.startswith(PREFIX):
        raise ValueError(f"{stack} was not made here and is not removed")
    cloudformation, s3 = account.client("cloudformation"), account.client("s3")
    made: dict[str, str] = {}
    with suppress(ClientError):  # there is no such stack when its deployment did not even begin
        made = outputs(cloudformation, stack)
    buckets = [made[name] for name in ("ReleasesBucket", "BundlesBucket") if name in made]
    for bucket in buckets:
        s3.delete_bucket_policy(Bucket=bucket)
    stop_executions(account.client("lambda"), f"{stack}-rollout")
    for name in (f"{stack}-app-{APPLICATION}", stack):
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 5})
    for bucket in buckets:
        with suppress(s3.exceptions.NoSuchBucket):
            empty(s3, bucket)
            s3.delete_bucket(Bucket=bucket)


def stop_executions(lambda_: Any, function: str) -> None:  # noqa: ANN401 - a boto3 client
    """Stop every durable execution of a function that has not ended; a function that is not there has none."""
    with suppress(lambda_.exceptions.ResourceNotFoundException):
        pages = lambda_.get_paginator("list_durable_executions_by_function")
        for page in pages.paginate(FunctionName=function, Statuses=["RUNNING"]):
            for execution in page["DurableExecutions"]:
                lambda_.stop_durable_execution(DurableExecutionArn=execution["DurableExecutionArn"])


def empty(s3: Any, bucket: str) -> None:  # noqa: ANN401 - a boto3 client
    """Delete every version, every delete marker and every unfinished upload of a bucket."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        doomed = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        if doomed:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
            if answer.get("Errors"):
                raise RuntimeError(f"{bucket} could not be emptied: {answer['Errors'][:3]}")
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


def left(account: Account, stack: str, made: Mapping[str, str]) -> list[str]:
    """Return the remains of a removed stack, which should be none."""
    remains = []
    for name in (f"{stack}-app-{APPLICATION}", stack):
        with suppress(ClientError):
            (described,) = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
            remains += [name] if described["StackStatus"] != "DELETE_COMPLETE" else []
    existing = {bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]}
    remains += sorted(existing & set(made.values()))
    functions = account.client("lambda").get_paginator("list_functions").paginate()
    named = [function["FunctionName"] for page in functions for function in page["Functions"]]
    return remains + [name for name in named if name.startswith(f"{stack}-")]
