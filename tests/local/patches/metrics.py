"""Every invocation is counted, however it came, by function, by version or alias, and by the version that ran.

Upstream counts by function name alone, an asynchronous call before it ran, and knows no embedded metrics.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from tests.local.patches import routing
from tests.local.upstream import around, needs

type Record = dict[str, Any]


def emit_lambda_metrics(
    _original: Callable[..., None], function_name: str, duration_ms: float, error: bool, throttle: bool
) -> None:
    """Leave only throttles to upstream: what ran is counted where it ran."""
    if throttle:
        cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function_name})


def dispatch(
    original: Callable[..., Record], func: Record, config: Record, event: object, request_id: str, started: float
) -> Record:
    """Count an invocation when it has ended."""
    began = time.monotonic()
    result = original(func, config, event, request_id, started)
    duration = (time.monotonic() - began) * 1000
    for dimensions in _dimensions(config):
        _count(dimensions, duration, failed=bool(result.get("error")))
    for metric in _embedded(result.get("log") or ""):
        cloudwatch.record_metric(*metric)
    return result


def _dimensions(config: Record) -> Iterator[dict[str, str]]:
    name, version, alias = config["FunctionName"], config.get("Version", "$LATEST"), routing.alias_called.get()
    function = {"FunctionName": name}
    yield function
    if alias:
        resource = function | {"Resource": f"{name}:{alias}"}
        yield resource
        yield resource | {"ExecutedVersion": version}
    else:
        yield function | {"Resource": name if version == "$LATEST" else f"{name}:{version}"}


def _count(dimensions: dict[str, str], duration: float, *, failed: bool) -> None:
    cloudwatch.record_metric("AWS/Lambda", "Invocations", 1, "Count", dimensions)
    cloudwatch.record_metric("AWS/Lambda", "Errors", int(failed), "Count", dimensions)
    cloudwatch.record_metric("AWS/Lambda", "Duration", duration, "Milliseconds", dimensions)


def _embedded(log: str) -> Iterator[tuple[str, str, float, str, dict[str, str]]]:
    for line in log.splitlines():
        if '"CloudWatchMetrics"' in line:
            with suppress(json.JSONDecodeError, KeyError):
                yield from _of_line(json.loads(line))


def _of_line(line: Record) -> Iterator[tuple[str, str, float, str, dict[str, str]]]:
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(line[name]) for name in names}
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield directive["Namespace"], metric["Name"], value, metric.get("Unit", "None"), dimensions


def install() -> None:
    """Count around upstream's one point of execution."""
    needs(cloudwatch, "record_metric")
    around(lambda_svc, "_emit_lambda_metrics", emit_lambda_metrics)
    around(lambda_svc, "_execute_function_dispatch", dispatch)
