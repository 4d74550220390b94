"""CloudWatch with what a test measured: counts and durations by version, and the lines of a log."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.faults.alarms import CloudWatch, Logs
from tests.faults.clock import Clock


@dataclass(frozen=True)
class Counted:
    """A value of a version's metric, so many times at a time."""

    at: datetime
    version: str | None
    metric: str
    value: float
    times: int


class Measured(CloudWatch):
    """Metrics as they were put. Source: CloudWatch API reference, GetMetricData, and user guide, statistics."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._counted: list[Counted] = []

    def count(self, version: str | None, metric: str, value: float, times: int = 1) -> None:
        """Have a version's metric take a value, so many times."""
        self._counted.append(Counted(self._clock.now, version, metric, value, times))

    def get_metric_data(self, MetricDataQueries: list[dict[str, Any]], **params: Any) -> dict[str, Any]:  # noqa: ANN401 - the rest of the request
        window = params["StartTime"], params["EndTime"]
        return {"MetricDataResults": [self._of(query, *window) for query in MetricDataQueries], "Messages": []}

    def _of(self, query: dict[str, Any], start: float, end: float) -> dict[str, Any]:
        metric, statistic = query["MetricStat"]["Metric"], query["MetricStat"]["Stat"]
        version = {one["Name"]: one["Value"] for one in metric["Dimensions"]}.get("ExecutedVersion")
        found = [
            one
            for one in self._counted
            if (one.version, one.metric) == (version, metric["MetricName"]) and start <= one.at.timestamp() < end
        ]
        values = [_statistic(statistic, found)] if found else []
        answer = {"Id": query["Id"], "Label": metric["MetricName"], "StatusCode": "Complete", "Values": values}
        return {**answer, "Timestamps": [datetime.fromtimestamp(start, UTC)][: len(values)]}


def _statistic(name: str, counted: list[Counted]) -> float:
    if name == "Sum":
        return sum(one.value * one.times for one in counted)
    values = sorted(value for one in counted for value in [one.value] * one.times)
    place = float(name.removeprefix("p")) / 100 * len(values)
    return values[min(len(values) - 1, max(0, math.ceil(place) - 1))]


class Log(Logs):
    """An application's log, by version."""

    def __init__(self, cloudwatch: CloudWatch) -> None:
        super().__init__(cloudwatch)
        self.lines: list[tuple[str, str]] = []
        """Of every line, the version and the text."""

    def filter_log_events(self, logStreamNamePrefix: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        stream, terms = logStreamNamePrefix, re.findall(r'\?"([^"]*)"', params["filterPattern"])
        version = re.fullmatch(r"\d+/\d+/\d+/\[(\w+)\]", stream)
        lines = [text for of, text in self.lines if version and of == version[1] and any(one in text for one in terms)]
        return {"events": [{"message": text, "logStreamName": stream} for text in lines]}
