"""The one place that logs, traces and measures. Everything else returns values."""

import time
from collections.abc import Callable

from aws_lambda_powertools import Logger, Tracer, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from deployer.model.release import Release
from deployer.model.text import printable

logger = Logger()
tracer = Tracer()


def info(event: str, **fields: object) -> None:
    """Log an event's name with its fields; text from outside is made printable."""
    logger.info(event, extra=_clean(fields))


def warn(event: str, **fields: object) -> None:
    """Log an event that needs a person's attention."""
    logger.warning(event, extra=_clean(fields))


def _clean(fields: dict[str, object]) -> dict[str, object]:
    return {key: _printable(value) for key, value in fields.items()}


def _printable(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    return [_printable(one) for one in value] if isinstance(value, list | tuple) else value


def count(name: str, **dimensions: str) -> None:
    """Count one occurrence, as a CloudWatch metric in the embedded metric format."""
    _measure(name, 1, MetricUnit.Count, dimensions)


def _measure(name: str, value: float, unit: MetricUnit, dimensions: dict[str, str]) -> None:
    with single_metric(name=name, unit=unit, value=value) as metric:
        for key, dimension in dimensions.items():
            metric.add_dimension(name=key, value=dimension)


def observe(name: str, release: Release, act: Callable[[], Release]) -> Release:
    """Trace, time, log and count one step of a rollout; it runs inside the durable step, so no replay repeats it."""
    began = time.monotonic()
    logger.append_keys(application=release.drop.application, release=release.drop.label, id=release.id)
    with tracer.provider.in_subsegment(name=f"## {name}"):
        found = act()
    taken = time.monotonic() - began
    info(f"release.{name}", seconds=round(taken, 3), **_news(found))
    _measure("StepDuration", 1000 * taken, MetricUnit.Milliseconds, {"step": name})
    if name == "finish" and found.ending:
        count("ReleaseEnded", application=release.drop.application, status=found.ending.status.value)
    return found


def _news(release: Release) -> dict[str, object]:
    """Return the fields of a log line about a release after a step."""
    news: dict[str, object] = {"version": release.version, "weight": release.weight or None}
    if release.ending:
        problems = [printable(str(problem)) for problem in release.ending.problems]
        news |= {"status": release.ending.status.value, "reason": release.ending.reason, "problems": problems}
    if release.verdict:
        news["verdict"] = str(release.verdict)
    return {key: value for key, value in news.items() if value}
