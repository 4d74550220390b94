"""CloudWatch: a version's metrics in a window of time, and the alarms that watch an application."""

import math
from collections.abc import Container
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from deployer.aws.errors import or_unread
from deployer.model.health import Alarm, Traffic, Unread
from deployer.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
"""The longest period that CloudWatch documents for alarms; for queries there is no documented limit."""

type Series = dict[datetime, float]


class Metrics:
    """Lambda's metrics by executed version, and alarms by name."""

    def __init__(self, client: "CloudWatchClient", settings: Settings, applications: Container[str]) -> None:
        self._client = client
        self._settings = settings
        self._applications = applications

    def traffic(self, function: str, version: str, since: datetime, until: datetime) -> Traffic | Unread:
        """Return a version's calls and errors behind the alias, in the whole minutes around a window of time.

        Source: Lambda developer guide, viewing metrics: `ExecutedVersion` compares the versions of a weighted alias.
        Throttles are not read: a throttled call executes no version, and counts neither as invocation nor as error.
        """
        names = {"Invocations": "Sum", "Errors": "Sum"}
        counted = self._ask(function, version, names, since, until, _MINUTE)
        if isinstance(counted, Unread):
            return counted
        invocations, errors = (round(sum(counted[name].values())) for name in names)
        return Traffic(invocations=invocations, errors=errors)

    def duration(
        self, function: str, version: str, since: datetime, until: datetime, percent: float
    ) -> float | Unread | None:
        """Return a percentile of a version's durations, in milliseconds; None without a call.

        The window is requested as one period. CloudWatch may answer with several, because it aligns periods to its own
        clock, or because the window is longer than a day. They are averaged, weighted by their calls.
        """
        statistic = f"p{percent:.4f}".rstrip("0").rstrip(".")
        names = {"Duration": statistic, "Invocations": "Sum"}
        found = self._ask(function, version, names, since, until, min(_DAY, _minutes(since, until)))
        if isinstance(found, Unread):
            return found
        calls = found["Invocations"]
        weighed = [(value, calls.get(at, 0.0)) for at, value in found["Duration"].items()]
        total = sum(weight for _, weight in weighed)
        return sum(value * weight for value, weight in weighed) / total if total else None

    def _ask(
        self,
        function: str,
        version: str,
        statistics: dict[str, str],
        since: datetime,
        until: datetime,
        period: timedelta,
    ) -> dict[str, Series] | Unread:
        """Return each metric's statistic by the beginning of its period."""
        queries = [self._query(name, statistics[name], function, version, period) for name in statistics]
        start = since.replace(second=0, microsecond=0)
        end = start + _minutes(since, until)
        return or_unread("metrics.unreadable", lambda: self._values(queries, start, end), function=function)

    def _query(
        self, metric: str, statistic: str, function: str, version: str, period: timedelta
    ) -> "MetricDataQueryTypeDef":
        dimensions = {
            "FunctionName": function,
            "Resource": f"{function}:{self._settings.alias}",
            "ExecutedVersion": version,
        }
        return {
            "Id": metric.lower(),
            "Label": metric,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": metric,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                },
                "Period": int(period.total_seconds()),
                "Stat": statistic,
            },
        }

    def _values(self, queries: "list[MetricDataQueryTypeDef]", start: datetime, end: datetime) -> dict[str, Series]:
        """Read all pages. A metric may be partial on one page and complete on a later one; in the end none is partial.

        Source: CloudWatch API reference, MetricDataResult: `PartialData` and `InternalError` mean that values are
        missing, and may come in time for the next check. With errors missing, a bad version would seem healthy.
        """
        names = {query["Id"]: query["Label"] for query in queries}
        values: dict[str, Series] = {name: {} for name in names.values()}
        states = dict.fromkeys(names.values(), "missing")
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start, EndTime=end
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                name = names[result["Id"]]
                values[name].update(zip(result["Timestamps"], result["Values"], strict=True))
                states[name] = result["StatusCode"]
        if partial := sorted(name for name, state in states.items() if state != "Complete"):
            raise TimeoutError(f"values of {', '.join(partial)} are missing")
        return values

    def alarms(self, application: str, named: tuple[str, ...]) -> tuple[Alarm, ...] | Unread:
        """Return the alarms that watch an application, and the named ones, at most a hundred of a manifest."""

        def states() -> dict[str, str]:
            return self._watching(application) | (self._alarms(AlarmNames=list(named)) if named else {})

        found = or_unread("alarms.unreadable", states, application=application)
        if isinstance(found, Unread):
            return found
        missing = {name: "MISSING" for name in named if name not in found}
        return tuple(Alarm(name=name, state=state) for name, state in sorted({**found, **missing}.items()))

    def red_alarms(self, application: str, named: tuple[str, ...]) -> frozenset[str]:
        """Return the names of those alarms that are in ALARM; none when CloudWatch cannot be read."""
        alarms = self.alarms(application, named)
        return frozenset(
            () if isinstance(alarms, Unread) else (alarm.name for alarm in alarms if alarm.state == "ALARM")
        )

    def _watching(self, application: str) -> dict[str, str]:
        """Return the alarms whose names begin with the application's function and a dash."""
        found = self._alarms(AlarmNamePrefix=f"{self._settings.function(application)}-")
        return {name: state for name, state in found.items() if not self._watches_another(name, application)}

    def _watches_another(self, alarm: str, application: str) -> bool:
        """Return whether an alarm is of an application with a longer name that begins with this one's."""
        longer = takewhile(lambda name: name != application, self._settings.watchable_by(alarm))
        return any(name in self._applications for name in longer)

    def _alarms(self, **which: str | list[str]) -> dict[str, str]:
        pages = self._client.get_paginator("describe_alarms").paginate(
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            **which,  # type: ignore[arg-type]  # one keyword of two, chosen by the caller
        )
        return {
            alarm["AlarmName"]: alarm["StateValue"]
            for page in pages
            for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", []))
        }


def _minutes(since: datetime, until: datetime) -> timedelta:
    """Return the length of the whole minutes around a window of time; at least one."""
    start = since.replace(second=0, microsecond=0)
    return _MINUTE * max(1, math.ceil((until - start) / _MINUTE))
