"""A client of the service that a module names, with the answers that a test gives it."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from tests.faults.account import Account
from tests.pure.values import Client


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client of the module's SERVICE."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    return boto3.client(request.module.SERVICE, region_name="eu-central-1")


@pytest.fixture
def cloudwatch(client: Client) -> Iterator[Stubber]:
    """Its answers; they and the calls are held against botocore's model of the service."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()
