"""CloudWatch: alarms with a state, traffic by version and its log, as a test sets them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.faults.clock import Clock


@dataclass(frozen=True)
class Seen:
    """Alarms that were read in ALARM, in the order of all effects."""

    at: int
    actor: str
    red: frozenset[str]


class CloudWatch:
    """The operations the deployer uses."""

    def __init__(self, clock: Clock) -> None:
        self.states: dict[str, str] = {}
        self.composite: set[str] = set()
        """Those of them that are composite alarms."""
        self.failing: set[str] = set()
        """Versions of which every call fails."""
        self.idle: set[str] = set()
        """Versions that nobody calls."""
        self.seen: list[Seen] = []
        self.actor = "nobody"
        self._clock = clock

    def describe_alarms(
        self,
        AlarmNamePrefix: str | None = None,
        AlarmNames: list[str] | None = None,
        AlarmTypes: Sequence[str] = ("MetricAlarm",),
        **_: object,
    ) -> dict[str, Any]:
        """Leave out composite alarms unless they are asked for. Source: CloudWatch API reference, DescribeAlarms."""
        found = {
            name: state
            for name, state in self.states.items()
            if ("CompositeAlarm" if name in self.composite else "MetricAlarm") in AlarmTypes
            and ((AlarmNamePrefix is not None and name.startswith(AlarmNamePrefix)) or name in (AlarmNames or ()))
        }
        red = frozenset(name for name, state in found.items() if state == "ALARM")
        self.seen.append(Seen(self._clock.number(), self.actor, red))
        answer: dict[bool, list[dict[str, str]]] = {True: [], False: []}
        for name, state in found.items():
            answer[name in self.composite].append({"AlarmName": name, "StateValue": state})
        return {"MetricAlarms": answer[False], "CompositeAlarms": answer[True]}

    def get_metric_data(self, MetricDataQueries: list[dict[str, Any]], **_: object) -> dict[str, Any]:
        return {"MetricDataResults": [self._result(query) for query in MetricDataQueries], "Messages": []}

    def _result(self, query: dict[str, Any]) -> dict[str, Any]:
        metric = query["MetricStat"]["Metric"]
        version = {one["Name"]: one["Value"] for one in metric["Dimensions"]}.get("ExecutedVersion", "")
        values = defaultdict(float, Invocations=0.0 if version in self.idle else 100.0)
        if version in self.failing:
            values["Errors"] = values["Invocations"]
        named = metric["MetricName"]
        found = [30.0] if named == "Duration" else [values[named]]
        at = [datetime.fromtimestamp(0, UTC)]
        return {"Id": query["Id"], "Label": named, "Timestamps": at, "Values": found, "StatusCode": "Complete"}


class Logs:
    """The logs of applications: versions of which every call fails log the error."""

    def __init__(self, cloudwatch: CloudWatch) -> None:
        self.actor = "nobody"
        self._cloudwatch = cloudwatch

    def filter_log_events(self, logStreamNamePrefix: str, **_: object) -> dict[str, Any]:
        version = logStreamNamePrefix.partition("[")[2].rstrip("]")
        messages = ["[ERROR] ValueError: a defect"] if version in self._cloudwatch.failing else []
        return {"events": [{"message": message, "logStreamName": logStreamNamePrefix} for message in messages]}
