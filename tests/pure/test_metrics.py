"""The queries to CloudWatch, and the meaning of its answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from deployer.aws.metrics import Metrics
from deployer.model.health import Traffic, Unread
from deployer.model.manifest import Rollout
from tests.pure.values import SETTINGS, Client

SERVICE = "cloudwatch"
SINCE = datetime(2026, 11, 27, 10, 3, 20, tzinfo=UTC)
UNTIL = datetime(2026, 11, 27, 10, 8, 40, tzinfo=UTC)
FIRST, SECOND = SINCE.replace(second=0), SINCE.replace(second=0) + timedelta(minutes=3)


@pytest.fixture
def metrics(client: Client) -> Metrics:
    return Metrics(client, SETTINGS.model_copy(update={"function_prefix": "app-"}), {"orders", "orders-eu"})


def result(name: str, values: dict[datetime, float], state: str = "Complete") -> dict[str, Any]:
    return {"Id": name, "Label": name, "Timestamps": list(values), "Values": list(values.values()), "StatusCode": state}


def asked(period: int) -> dict[str, Any]:
    """Return the parameters of a question for two metrics of the whole minutes around the window."""
    query = {"Id": ANY, "Label": ANY, "MetricStat": {"Metric": ANY, "Period": period, "Stat": ANY}}
    start = SINCE.replace(second=0)
    return {"MetricDataQueries": [query, query], "StartTime": start, "EndTime": start + timedelta(minutes=6)}


def answer(cloudwatch: Stubber, *results: dict[str, Any], expected: dict[str, Any] | None = None) -> None:
    cloudwatch.add_response("get_metric_data", {"MetricDataResults": list(results)}, expected)


def queried(name: str, statistic: str, period: int) -> dict[str, Any]:
    dimensions = {"FunctionName": "app-orders", "Resource": "app-orders:live", "ExecutedVersion": "7"}
    metric = {
        "Namespace": "AWS/Lambda",
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": name.lower(), "Label": name, "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}


@pytest.mark.parametrize(("percent", "statistic"), [(95, "p95"), (90, "p90"), (99.5, "p99.5"), (98.76543, "p98.7654")])
def test_metrics_are_those_of_a_version_behind_the_alias(
    cloudwatch: Stubber, metrics: Metrics, percent: float, statistic: str
) -> None:
    """Source: Lambda developer guide, viewing metrics, dimensions: Resource and ExecutedVersion."""
    window = {"StartTime": FIRST, "EndTime": FIRST + timedelta(minutes=6)}
    for queries in (
        [queried("Invocations", "Sum", 60), queried("Errors", "Sum", 60)],
        [queried("Duration", statistic, 360), queried("Invocations", "Sum", 360)],
    ):
        results = [result(one["Id"], {FIRST: 2.4}) for one in queries]
        answer(cloudwatch, *results, expected={"MetricDataQueries": queries, **window})
    traffic = metrics.traffic("app-orders", "7", SINCE, UNTIL)
    assert traffic.model_dump() == {"invocations": 2, "errors": 2}
    assert metrics.duration("app-orders", "7", SINCE, UNTIL, percent) == pytest.approx(2.4)


def test_minutes_are_added_up(cloudwatch: Stubber, metrics: Metrics) -> None:
    counted = result("invocations", {FIRST: 20, SECOND: 22}), result("errors", {SECOND: 1})
    answer(cloudwatch, *counted, expected=asked(60))
    assert metrics.traffic("app-orders", "7", SINCE, UNTIL) == Traffic(invocations=42, errors=1)


@pytest.mark.parametrize("state", ["PartialData", "InternalError", "Forbidden"])
def test_errors_that_are_missing_are_not_zero(cloudwatch: Stubber, metrics: Metrics, state: str) -> None:
    answer(cloudwatch, result("invocations", {FIRST: 20}), result("errors", {}, state))
    assert metrics.traffic("app-orders", "7", SINCE, UNTIL) == Unread(reason="values of Errors are missing")


def test_a_metric_that_the_answer_leaves_out_is_not_zero(cloudwatch: Stubber, metrics: Metrics) -> None:
    answer(cloudwatch, result("invocations", {FIRST: 20}))
    assert isinstance(metrics.traffic("app-orders", "7", SINCE, UNTIL), Unread)


def test_a_metric_may_be_complete_on_the_next_page_only(cloudwatch: Stubber, metrics: Metrics) -> None:
    first = [result("invocations", {SECOND: 22}, "PartialData"), result("errors", {}, "PartialData")]
    cloudwatch.add_response("get_metric_data", {"MetricDataResults": first, "NextToken": "more"})
    answer(cloudwatch, result("invocations", {FIRST: 20}), result("errors", {FIRST: 1}))
    assert metrics.traffic("app-orders", "7", SINCE, UNTIL) == Traffic(invocations=42, errors=1)


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServiceFault", "AccessDenied"])
def test_an_error_of_cloudwatch_is_a_reason(
    cloudwatch: Stubber, metrics: Metrics, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    cloudwatch.add_client_error("get_metric_data", code, "Rate exceeded")
    found = metrics.traffic("app-orders", "7", SINCE, UNTIL)
    assert isinstance(found, Unread)
    assert code in found.reason
    warned = vars(caplog.records[-1])
    said = {"message": "metrics.unreadable", "function": "app-orders", "reason": found.reason}
    assert warned == warned | said


def test_a_percentile_is_that_of_the_whole_window(cloudwatch: Stubber, metrics: Metrics) -> None:
    """One cold call in a minute of its own is not the p95 of 801 calls."""
    taken = result("duration", {FIRST: 50.0}), result("invocations", {FIRST: 801})
    answer(cloudwatch, *taken, expected=asked(360))
    assert metrics.duration("app-orders", "7", SINCE, UNTIL, 95) == pytest.approx(50)


def test_a_percentile_of_several_periods_is_averaged_by_their_calls(cloudwatch: Stubber, metrics: Metrics) -> None:
    taken = result("duration", {FIRST: 9_000.0, SECOND: 50.0}), result("invocations", {FIRST: 1, SECOND: 199})
    answer(cloudwatch, *taken)
    assert metrics.duration("app-orders", "7", SINCE, UNTIL, 95) == pytest.approx((9_000 + 199 * 50) / 200)


def test_a_version_without_a_call_has_no_percentile(cloudwatch: Stubber, metrics: Metrics) -> None:
    answer(cloudwatch, result("duration", {}), result("invocations", {}))
    assert metrics.duration("app-orders", "7", SINCE, UNTIL, 95) is None


def test_no_period_is_longer_than_a_day(cloudwatch: Stubber, metrics: Metrics) -> None:
    expected = asked(86_400) | {"EndTime": SINCE.replace(second=0) + timedelta(days=4)}
    answer(cloudwatch, result("duration", {}), result("invocations", {}), expected=expected)
    metrics.duration("app-orders", "7", SINCE, SINCE.replace(second=0) + timedelta(days=4), 95)


def test_a_hundred_alarms_are_read_and_those_that_are_not_there_are_missing(
    cloudwatch: Stubber, metrics: Metrics
) -> None:
    """Source: CloudWatch API reference, DescribeAlarms: AlarmNames, at most 100 items."""
    names = tuple(f"alarm-{number:03d}" for number in range(100))
    assert Rollout(alarms=names).alarms == names
    cloudwatch.add_response("describe_alarms", {"MetricAlarms": []})
    expected = {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "AlarmNames": list(names)}
    found = {"MetricAlarms": [{"AlarmName": names[0], "StateValue": "OK"}]}
    cloudwatch.add_response("describe_alarms", found, expected)
    alarms = metrics.alarms("orders", names)
    assert not isinstance(alarms, Unread)
    assert [alarm.state for alarm in alarms] == ["OK", *["MISSING"] * 99]


def test_alarms_that_cannot_be_read_are_none_of_them_red(
    cloudwatch: Stubber, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    cloudwatch.add_client_error("describe_alarms", "ThrottlingException", "Rate exceeded")
    assert metrics.red_alarms("orders", ()) == frozenset()
    cloudwatch.add_client_error("describe_alarms", "ThrottlingException", "Rate exceeded")
    unread = metrics.alarms("orders", ())
    assert isinstance(unread, Unread)
    assert "(ThrottlingException)" in unread.reason
    warned = vars(caplog.records[-1])
    assert warned == warned | {"message": "alarms.unreadable", "application": "orders", "reason": unread.reason}


def test_an_alarm_is_of_the_application_with_the_longest_name_that_fits(cloudwatch: Stubber, metrics: Metrics) -> None:
    names = ("app-orders-errors", "app-orders-too-slow", "app-orders-eu-errors", "app-orders-eu")
    cloudwatch.add_response(
        "describe_alarms", {"MetricAlarms": [{"AlarmName": one, "StateValue": "OK"} for one in names]}
    )
    alarms = metrics.alarms("orders", ())
    assert not isinstance(alarms, Unread)
    assert [alarm.name for alarm in alarms] == ["app-orders-errors", "app-orders-eu", "app-orders-too-slow"]
