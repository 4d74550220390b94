"""An application of its own for every test."""

import itertools
from collections.abc import Callable, Iterator

import boto3
import pytest

from deployer import rollout
from deployer.settings import Settings
from tests.local import LocalAws
from tests.local.configuration import ACCOUNT, REGION
from tests.workflow.world import World, packed

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def buckets(local_aws: LocalAws) -> tuple[str, str]:
    """The releases bucket and the bundles bucket, shared by all tests."""
    s3 = local_aws.client("s3")
    for bucket in ("workflow-releases", "workflow-bundles"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return "workflow-releases", "workflow-bundles"


@pytest.fixture(scope="session")
def rollout_function(local_aws: LocalAws) -> str:
    """What the controller starts; the tests run the order themselves, in this process."""
    made = local_aws.client("lambda").create_function(
        FunctionName="workflow-rollout",
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT}:role/none",
        Handler="main.handler",
        Code={"ZipFile": packed({"main.py": "def handler(event, context):\n    return None\n"})},
    )
    return str(made["FunctionName"])


@pytest.fixture
def world(
    local_aws: LocalAws, buckets: tuple[str, str], rollout_function: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """An application whose rollouts run in this process."""
    application = f"app-{next(_numbers)}"
    told = Settings(
        applications=frozenset({application}),
        function_prefix="workflow-",
        releases_bucket=buckets[0],
        bundles_bucket=buckets[1],
        account_id=ACCOUNT,
        rollout_function=rollout_function,
    )
    powertools = {"POWERTOOLS_SERVICE_NAME": "dropshift", "POWERTOOLS_METRICS_NAMESPACE": "Dropshift"}
    for name, value in {**local_aws.environment, **powertools}.items():
        monkeypatch.setenv(name, value)
    made = World(application, told, boto3.Session(region_name=REGION))
    made.create()
    wire(monkeypatch, "aws", lambda: made.deployer.aws)
    wire(monkeypatch, "settings", lambda: made.told)
    yield made
    made.lambda_.delete_function(FunctionName=made.function)


def wire(monkeypatch: pytest.MonkeyPatch, name: str, made: Callable[[], object]) -> None:
    """Give the rollout the test's wiring where it would read the environment."""
    monkeypatch.setattr(rollout, name, made)
