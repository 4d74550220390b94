"""Alarms look at their own dimensions, treat missing data as they say, are evaluated unasked, and reach EventBridge.

Upstream evaluates on PutMetricData only, over every dimension at once, and notifies SNS alone.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html (evaluation, missing data)
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

import contextvars
import logging
import operator
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from tests.local import events
from tests.local.upstream import around, needs

type Alarm = dict[str, Any]
type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

_INTERVAL = 0.5
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_log = logging.getLogger(__name__)


def evaluate(_original: Callable[..., None], alarm: Alarm) -> None:
    """Bring one alarm to the state its data ask for. A state that was set by hand stays for a period."""
    if not alarm.get("MetricName") or time.time() < alarm.get("_by_hand_until", 0):
        return
    was, now = alarm["StateValue"], _state(alarm)
    if now is None or now == was:
        return
    reason = f"Threshold Crossed: {alarm['MetricName']} {alarm['ComparisonOperator']} {alarm['Threshold']}"
    alarm.update(StateValue=now, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], was, now, reason)
    cloudwatch._dispatch_alarm_actions(alarm, was, now, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _state(alarm: Alarm) -> State | None:
    """Return the state of `alarm` by its data; None if it keeps the one it has."""
    periods, missing = int(alarm.get("EvaluationPeriods") or 1), alarm.get("TreatMissingData") or "missing"
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    values = _values(alarm, periods)
    if not values and missing in ("missing", "ignore"):
        return None if missing == "ignore" else "INSUFFICIENT_DATA"
    breaching = sum(_COMPARISONS[alarm["ComparisonOperator"]](value, float(alarm["Threshold"])) for value in values)
    unseen = periods - len(values) if missing == "breaching" else 0
    return "ALARM" if breaching + unseen >= needed else "OK"


def _values(alarm: Alarm, periods: int) -> list[float]:
    """One statistic for each of the last `periods` periods that has data, the current one included."""
    length, statistic = int(alarm.get("Period") or 60), alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    points = cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))) or []
    current = int(time.time() // length)
    last = range(current, current - periods, -1)
    slots = [[point for point in points if int(point["Timestamp"] // length) == slot] for slot in last]
    found = [cloudwatch._stat_value(cloudwatch._calc_stats(slot), statistic, slot) for slot in slots if slot]
    return [float(value) for value in found if value is not None]


def set_alarm_state(
    original: Callable[..., object], params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False
) -> object:
    """Keep a state set by hand for one period, then evaluate the data again."""
    name = cbor_data.get("AlarmName") if is_cbor or is_json else cloudwatch._p(params, "AlarmName")
    alarm = cloudwatch._alarms.get(name)
    if alarm is not None:
        alarm["_by_hand_until"] = time.time() + int(alarm.get("Period") or 60)
    return original(params, cbor_data, is_cbor, is_json)


def dispatch_alarm_actions(
    original: Callable[..., None], alarm: Alarm, old_state: str, new_state: str, reason: str
) -> None:
    """Send every change of state to EventBridge, then to the alarm's own targets."""
    events.put("aws.cloudwatch", "CloudWatch Alarm State Change", [alarm["AlarmArn"]], _detail(alarm, old_state))
    original(alarm, old_state, new_state, reason)


def _detail(alarm: Alarm, old_state: str) -> dict[str, Any]:
    when = events.timestamp(time.time())
    return {
        "alarmName": alarm["AlarmName"],
        "state": {"value": alarm["StateValue"], "reason": alarm.get("StateReason", ""), "timestamp": when},
        "previousState": {"value": old_state, "timestamp": when},
        "configuration": {"description": alarm.get("AlarmDescription", "")},
    }


def _watch() -> None:
    while True:
        time.sleep(_INTERVAL)
        for (account, region, _), alarm in cloudwatch._alarms.all_items():
            contextvars.copy_context().run(_evaluate_within, account, region, alarm)


def _evaluate_within(account: str, region: str, alarm: Alarm) -> None:
    try:
        with request_scope(account, region):
            cloudwatch._evaluate_alarm(alarm)
    except Exception:  # noqa: BLE001 - the watch must outlive an alarm that cannot be evaluated
        _log.exception("alarm %s", alarm.get("AlarmName"))


def install() -> None:
    """Evaluate our way, and on our own."""
    needs(cloudwatch, "_alarms", "_metrics", "_dims_key", "_dims_from_list", "_stat_value", "_calc_stats", "_p")
    needs(cloudwatch, "_record_history", "_evaluate_parent_alarms")
    around(cloudwatch, "_evaluate_alarm", evaluate)
    around(cloudwatch, "_set_alarm_state", set_alarm_state)
    around(cloudwatch, "_dispatch_alarm_actions", dispatch_alarm_actions)
    threading.Thread(target=_watch, daemon=True, name="alarms").start()
