"""The one place that logs, traces and measures. Everything else returns values."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger, Tracer, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from deployer.drop import printable
from deployer.release import Ending, Release

logger = Logger()
tracer = Tracer()


def say(event: str, **fields: object) -> None:
    """Log an event's name with its fields; whatever came from outside is made printable."""
    logger.info(event, extra=_clean(fields))


def warn(event: str, **fields: object) -> None:
    """Log an event that a person should look at."""
    logger.warning(event, extra=_clean(fields))


def _clean(fields: dict[str, object]) -> dict[str, object]:
    return {key: printable(value) if isinstance(value, str) else value for key, value in fields.items()}


def count(name: str, **dimensions: str) -> None:
    """Count something once, as a CloudWatch metric in the embedded metric format."""
    _measure(name, 1, MetricUnit.Count, dimensions)


def _measure(name: str, value: float, unit: MetricUnit, dimensions: dict[str, str]) -> None:
    with single_metric(name=name, unit=unit, value=value) as metric:
        for key, dimension in dimensions.items():
            metric.add_dimension(name=key, value=dimension)


@contextmanager
def step(name: str, release: Release) -> Iterator[None]:
    """Trace, time and log one step of a rollout. Runs inside the durable step, so a replay repeats none of it."""
    began = time.monotonic()
    logger.append_keys(application=release.drop.application, release=release.id)
    with tracer.provider.in_subsegment(name=f"## {name}"):
        yield
    taken = time.monotonic() - began
    say(f"release.{name}", seconds=round(taken, 3))
    _measure("StepDuration", 1000 * taken, MetricUnit.Milliseconds, {"step": name})


def ended(application: str, ending: Ending) -> None:
    """Log and count the end of a release."""
    say("release.ended", status=ending.status.value, reason=ending.reason, problems=[str(p) for p in ending.problems])
    count("ReleaseEnded", application=application, status=ending.status.value)
