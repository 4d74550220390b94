"""CloudWatch: what a version did in a window of time, and the alarms that watch an application."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from deployer import telemetry
from deployer.model.health import Alarm, Traffic
from deployer.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_PERIOD = timedelta(minutes=1)
_COUNTED = {"invocations": "Invocations", "errors": "Errors", "throttles": "Throttles"}


class Metrics:
    """Lambda's metrics by executed version, and alarms by name."""

    def __init__(self, client: "CloudWatchClient", told: Settings) -> None:
        self._client = client
        self._told = told

    def traffic(self, function: str, version: str, since: datetime, until: datetime) -> Traffic | None:
        """Add up what a version did behind the alias, in whole minutes around the window; None when CloudWatch fails.

        Source: Lambda developer guide, types of metrics: `ExecutedVersion` tells the versions of an alias apart.
        """
        start = since.replace(second=0, microsecond=0)
        queries = [self._query(name, metric, function, version, "Sum") for name, metric in _COUNTED.items()]
        queries.append(self._query("p95", "Duration", function, version, "p95"))
        try:
            values = self._values(queries, start, until + _PERIOD)
        except (ClientError, BotoCoreError) as error:
            telemetry.warn("metrics.unreadable", function=function, reason=str(error))
            return None
        counts = {name: round(sum(values[name])) for name in _COUNTED}
        return Traffic(
            invocations=counts["invocations"],
            errors=counts["errors"],
            throttles=counts["throttles"],
            p95=max(values["p95"], default=None),
        )

    def _query(self, name: str, metric: str, function: str, version: str, statistic: str) -> "MetricDataQueryTypeDef":
        dimensions = {
            "FunctionName": function,
            "Resource": f"{function}:{self._told.alias}",
            "ExecutedVersion": version,
        }
        return {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": metric,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                },
                "Period": int(_PERIOD.total_seconds()),
                "Stat": statistic,
            },
        }

    def _values(
        self, queries: "list[MetricDataQueryTypeDef]", start: datetime, end: datetime
    ) -> "Mapping[str, list[float]]":
        values: dict[str, list[float]] = {query["Id"]: [] for query in queries}
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start, EndTime=end
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                values[result["Id"]].extend(result["Values"])
        return values

    def alarms(self, application: str, named: tuple[str, ...]) -> tuple[Alarm, ...] | None:
        """Read the alarms that watch an application, and those that are named; None when CloudWatch fails."""
        try:
            found = self._watching(application) | (self._alarms(AlarmNames=list(named)) if named else {})
        except (ClientError, BotoCoreError) as error:
            telemetry.warn("alarms.unreadable", application=application, reason=str(error))
            return None
        missing = {name: "MISSING" for name in named if name not in found}
        return tuple(Alarm(name=name, state=state) for name, state in sorted({**found, **missing}.items()))

    def _watching(self, application: str) -> dict[str, str]:
        """Alarms whose names begin with the application's function and a dash."""
        found = self._alarms(AlarmNamePrefix=f"{self._told.function(application)}-")
        return {name: state for name, state in found.items() if self._told.watched_by(name) == application}

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
