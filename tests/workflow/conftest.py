"""An application of its own for every test."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import pytest
from aws_durable_execution_sdk_python import state

from deployer import rollout
from deployer.model.status import Status
from deployer.sandbox import host
from deployer.settings import Settings
from tests.guests import guest_thread
from tests.local import LocalAws
from tests.local.configuration import ACCOUNT, REGION
from tests.local.upstream import needs
from tests.workflow.world import People, World, packed

_numbers = itertools.count(1)
_POLL = "_STOP_SIGNAL_POLL_SECONDS"
Worlds = Callable[[], AbstractContextManager[World]]


@pytest.fixture(scope="session", autouse=True)
def quick_suspension() -> Iterator[None]:
    """Let the SDK notice at once that a wait began: the tenth of a second it takes was half of a rollout here."""
    needs(state, _POLL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, _POLL, 0.01)
        yield


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


@pytest.fixture(scope="session")
def worlds(local_aws: LocalAws, buckets: tuple[str, str], rollout_function: str) -> Worlds:
    """Applications whose rollouts run in this process, one at a time."""
    people = cache(People)

    @contextmanager
    def opened() -> Iterator[World]:
        application = f"app-{next(_numbers)}"
        settings = Settings(
            applications=frozenset({application}),
            function_prefix="workflow-",
            releases_bucket=buckets[0],
            bundles_bucket=buckets[1],
            account_id=ACCOUNT,
            rollout_function=rollout_function,
        )
        powertools = {"POWERTOOLS_SERVICE_NAME": "dropshift", "POWERTOOLS_METRICS_NAMESPACE": "Dropshift"}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**local_aws.environment, **powertools}.items():
                patch.setenv(name, value)
            patch.setattr(host, "_guest", guest_thread)  # the end-to-end tests have processes
            made = World(application, settings, people())
            made.create()
            wire(patch, "aws", lambda: made.deployer.aws)
            wire(patch, "settings", lambda: made.settings)
            yield made
            assert not made.unbelieving
            made.lambda_.delete_function(FunctionName=made.function)

    return opened


@pytest.fixture
def world(worlds: Worlds) -> Iterator[World]:
    """An application of one test's own."""
    with worlds() as made:
        yield made


@pytest.fixture
def served(world: World) -> World:
    """An application with a live release, version 2."""
    assert world.release("1.0")["status"] == Status.LIVE
    return world


def wire(patch: pytest.MonkeyPatch, name: str, made: Callable[[], object]) -> None:
    """Give the rollout the test's wiring where it would read the environment."""
    patch.setattr(rollout, name, made)
