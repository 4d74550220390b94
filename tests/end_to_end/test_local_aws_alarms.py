"""The local AWS raises alarms as CloudWatch does: on their own dimensions, by themselves, with an event."""

from typing import Any

from tests.local import LocalAws
from tests.local.functions import create, heard, listen, listener
from tests.local.waiting import until

FAILING = "def handler(event, context): raise ValueError('no hat')"


def alarm(aws: LocalAws, name: str, function: str, **settings: Any) -> None:  # noqa: ANN401 - PutMetricAlarm's own
    request = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1,
        "TreatMissingData": "notBreaching",
    }
    aws.client("cloudwatch").put_metric_alarm(AlarmName=name, **request | settings)


def state(aws: LocalAws, name: str) -> str:
    (found,) = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found["StateValue"])


def test_an_alarm_goes_red_for_its_own_function_only_and_eventbridge_hears_of_it(local_aws: LocalAws) -> None:
    function, name = create(local_aws, FAILING), listener(local_aws)
    listen(local_aws, name, {"source": ["aws.cloudwatch"], "detail": {"state": {"value": ["ALARM"]}}})
    alarm(local_aws, "its-own", function)
    alarm(local_aws, "anothers", "another")
    until(lambda: state(local_aws, "its-own") == "OK")
    local_aws.client("lambda").invoke(FunctionName=function)
    until(lambda: state(local_aws, "its-own") == "ALARM")
    (event,) = until(lambda: heard(local_aws, name))
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert (event["detail"]["alarmName"], event["detail"]["state"]["value"]) == ("its-own", "ALARM")
    assert state(local_aws, "anothers") == "OK"


def test_missing_data_are_what_the_alarm_says_they_are(local_aws: LocalAws) -> None:
    expected = {"breaching": "ALARM", "notBreaching": "OK", "missing": "INSUFFICIENT_DATA"}
    for treatment in expected:
        alarm(local_aws, treatment, "nobody", TreatMissingData=treatment)
    until(lambda: {treatment: state(local_aws, treatment) for treatment in expected} == expected)


def test_an_alarm_set_by_hand_stays_so_for_a_while(local_aws: LocalAws) -> None:
    alarm(local_aws, "by-hand", "nobody")
    alarm(local_aws, "witness", "nobody", TreatMissingData="breaching")
    until(lambda: state(local_aws, "by-hand") == "OK")
    local_aws.client("cloudwatch").set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="a test")
    until(lambda: state(local_aws, "witness") == "ALARM")
    assert state(local_aws, "by-hand") == "ALARM"
