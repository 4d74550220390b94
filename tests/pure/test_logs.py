"""The queries of an application's log, and that a failure of them never delays a verdict."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.stub import Stubber

from deployer.aws.logs import Logs
from deployer.model.health import Unread
from tests.pure.values import Client

SERVICE = "logs"
SINCE, UNTIL = datetime(2026, 11, 27, 23, 58, tzinfo=UTC), datetime(2026, 11, 28, 0, 8, tzinfo=UTC)
PREFIXES = ("2026/11/28/[7]", "2026/11/28/app-orders[7]", "2026/11/27/[7]", "2026/11/27/app-orders[7]")
"""Both forms of a stream's name; an environment that began yesterday writes to yesterday's stream."""

LONGER = Unread(reason="the log is longer than can be read in time")


def asked(prefix: str, **more: object) -> dict[str, Any]:
    return {
        "logGroupName": "/aws/lambda/app-orders",
        "logStreamNamePrefix": prefix,
        "startTime": int(SINCE.timestamp() * 1000),
        "filterPattern": '?"ERROR" ?"timed out"',
        "startFromHead": False,
        **more,
    }


def is_told(caplog: pytest.LogCaptureFixture, reason: str) -> bool:
    """Return whether the deployer's own log has the function and the reason."""
    warned = vars(caplog.records[-1])
    return (warned["message"], warned["function"]) == ("logs.unreadable", "app-orders") and reason in warned["reason"]


def read(client: Client) -> tuple[str, ...]:
    return Logs(lambda: client).events("app-orders", "7", SINCE, UNTIL, ("ERROR", "timed out"))


def test_only_the_streams_of_the_version_are_read(client: Client, cloudwatch: Stubber) -> None:
    for number, prefix in enumerate(PREFIXES):
        cloudwatch.add_response("filter_log_events", {"events": [{"message": str(number)}]}, asked(prefix))
    assert read(client) == ("0", "1", "2", "3")


def test_an_empty_page_is_not_the_last(client: Client, cloudwatch: Stubber) -> None:
    first, *others = PREFIXES
    cloudwatch.add_response("filter_log_events", {"events": [], "nextToken": "more"}, asked(first))
    found = {"events": [{"message": "late"}]}
    cloudwatch.add_response("filter_log_events", found, asked(first, nextToken="more"))
    for prefix in others:
        cloudwatch.add_response("filter_log_events", {"events": []}, asked(prefix))
    assert read(client) == ("late",)


@pytest.mark.parametrize("code", ["ThrottlingException", "ResourceNotFoundException", "AccessDeniedException"])
def test_a_log_that_cannot_be_read_holds_nothing(
    client: Client, cloudwatch: Stubber, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    cloudwatch.add_client_error("filter_log_events", code, "no")
    assert read(client) == ()
    assert is_told(caplog, f"({code})")


@pytest.mark.usefixtures("cloudwatch")
def test_a_log_is_read_for_a_while_only(client: Client) -> None:
    assert Logs(lambda: client).events("app-orders", "7", SINCE, UNTIL, ("ERROR", "timed out"), patience=-1) == ()


def test_environments_that_loaded_are_counted(client: Client, cloudwatch: Stubber) -> None:
    for prefix in PREFIXES:
        expected = asked(prefix, filterPattern='?"release.loaded"')
        cloudwatch.add_response("filter_log_events", {"events": [{"message": "{}"}] * 3}, expected)
    assert Logs(lambda: client).loads("app-orders", "7", SINCE, UNTIL) == 12


def test_what_could_not_be_counted_is_not_zero(
    client: Client, cloudwatch: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    cloudwatch.add_client_error("filter_log_events", "ThrottlingException", "Rate exceeded")
    found = Logs(lambda: client).loads("app-orders", "7", SINCE, UNTIL)
    assert isinstance(found, Unread)
    assert "(ThrottlingException)" in found.reason
    assert is_told(caplog, found.reason)


@pytest.mark.usefixtures("cloudwatch")
def test_a_log_that_takes_too_long_to_count_is_not_taken_for_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployer.aws.logs._COUNTING", -1)
    assert Logs(lambda: client).loads("app-orders", "7", SINCE, UNTIL) == LONGER


def test_a_count_ends_between_two_pages_when_its_time_is_over(
    client: Client, cloudwatch: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last page of a stream has no token: its time may be over."""
    clock = iter([0, 0, 20, 21])
    monkeypatch.setattr("deployer.aws.logs.time", SimpleNamespace(monotonic=lambda: next(clock)))
    pages: list[dict[str, Any]] = [{"events": []}, {"events": [], "nextToken": "more"}]
    for page in pages:
        cloudwatch.add_response("filter_log_events", page)
    monkeypatch.setattr("deployer.aws.logs._COUNTING", 20.5)
    assert Logs(lambda: client).loads("app-orders", "7", SINCE, UNTIL) == LONGER
