"""The clients of each service: how long they wait, how often they try, and the owner that S3 has to confirm."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.hooks import HierarchicalEmitter

from deployer.aws import Aws
from deployer.aws.throttling import go_first
from tests.faults.account import Account
from tests.faults.wiring import connected
from tests.pure.values import SETTINGS

USUAL = (10, 5, 60)
"""Attempts, seconds to connect, seconds to wait for an answer."""
THROTTLED: tuple[Any, Any] = (SimpleNamespace(status_code=429), {})


class Watched(boto3.Session):
    """A session that remembers its clients."""

    def __init__(self) -> None:
        super().__init__("key", "secret", region_name="eu-central-1")
        self.made: list[Any] = []

    def client(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as boto3's
        self.made.append(super().client(*args, **kwargs))
        return self.made[-1]


def test_what_waits_for_an_answer_tries_again_and_what_is_news_does_not_wait() -> None:
    session = Watched()
    aws = Aws.connect(SETTINGS, session)
    assert aws.logs._client is session.made[-1]  # noqa: SLF001 - made at the first use
    found = [
        (
            client.meta.service_model.service_name,
            client.meta.config.retries["total_max_attempts"],
            client.meta.config.connect_timeout,
            client.meta.config.read_timeout,
        )
        for client in session.made
    ]
    assert sorted(found) == [
        ("cloudwatch", *USUAL),
        ("events", 2, 2, 5),
        ("kms", *USUAL),
        ("lambda", 1, 5, 890),
        ("lambda", *USUAL),
        ("lambda", *USUAL),
        ("lambda", *USUAL),
        ("logs", 1, 1, 2),
        ("s3", *USUAL),
    ]


def test_every_request_to_s3_names_the_owner_of_the_bucket() -> None:
    account = Account()
    settings = SETTINGS.model_copy(update={"bundles_bucket": "bundles", "releases_bucket": "releases"})
    aws = Aws.connect(settings, connected(lambda: account))
    aws.records.overview("hello")
    assert aws.bundles.find_bundle("bundles/hello/a.tar.zst") is None
    assert aws.releases.latest("hello/1.0.zip") is None
    assert [call.operation for call in account.calls] == ["GetObject", "ListObjectsV2", "GetObject", "HeadObject"]
    assert {call.params["ExpectedBucketOwner"] for call in account.calls} == {"123456789012"}


@pytest.mark.parametrize("name", ["", "7", "administration", "Hello", "a/b", "x" * 41, 7, None])
def test_what_names_no_application_is_none_without_a_call(name: object) -> None:
    account = Account()
    aws = Aws.connect(SETTINGS, connected(lambda: account))
    assert name not in aws.applications
    assert account.calls == []
    assert "hello" not in aws.applications
    account.lambda_.create("dropshift-app-hello", "live")
    assert "hello" in aws.applications


@pytest.mark.parametrize(
    ("operation", "response", "attempts", "soon"),
    [
        ("GetAlias", THROTTLED, 1, True),
        ("UpdateAlias", THROTTLED, 99, True),
        ("UpdateAlias", THROTTLED, 100, False),
        ("GetAlias", (SimpleNamespace(status_code=500), {}), 1, False),
        ("GetAlias", None, 1, False),
        ("DeleteFunction", THROTTLED, 1, False),
    ],
)
def test_a_throttled_call_of_a_command_is_soon_tried_again(
    operation: str, response: object, attempts: int, *, soon: bool
) -> None:
    """AWS's own rule decides where ours has no answer."""
    usual = 20.0
    client: Any = SimpleNamespace(meta=SimpleNamespace(events=HierarchicalEmitter()))
    client.meta.events.register("needs-retry.lambda", lambda **_: usual)
    go_first(client)
    _, wait = client.meta.events.emit_until_response(
        f"needs-retry.lambda.{operation}", response=response, attempts=attempts, caught_exception=None
    )
    assert (0.1 <= wait <= 0.3) is soon
    assert soon or wait == usual
