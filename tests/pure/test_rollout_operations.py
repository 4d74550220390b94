"""A plan that is accepted fits one durable execution, to the last operation and the last second."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from aws_durable_execution_sdk_python import DurableOperationError

from deployer.model.drop import Drop
from deployer.model.health import Health, Verdict
from deployer.model.release import Release
from deployer.model.stages import (
    ACTIVE_TRIES,
    HOLD_CHECKS,
    MAX_OPERATIONS,
    MAX_TIME,
    PUBLISH_TRIES,
    Stage,
    Stages,
    bake_waits,
    why_it_does_not_fit,
)
from deployer.rollout import Run, carry_out

if TYPE_CHECKING:
    from collections.abc import Callable

RELEASE = Release(drop=Drop(bucket="releases", key="orders/v1.zip", version_id="1"))
HELD = Verdict(health=Health.INCONCLUSIVE, reason="a call too few")
WELL = Verdict(health=Health.HEALTHY, reason="well")


class LongestExecution:
    """A durable context: what is tried succeeds at the last try, and the last stage is held to the end and beyond.

    It answers as the steps would, and counts operations: each step, each wait, and the execution itself.
    """

    def __init__(self, stages: Stages) -> None:
        self._release = RELEASE
        self._answers: dict[str, Callable[[Release], Release]] = {
            "publish": lambda release: release.updated(version="2") if self._last(PUBLISH_TRIES) else release,
            "check_active": lambda release: release.updated(active=self._last(ACTIVE_TRIES)),
            "provision_concurrency": lambda release: release.updated(concurrency_ready=self._last(ACTIVE_TRIES)),
            "plan_stages": lambda release: release.updated(stages=stages),
            "shift": lambda release: release.updated(
                weight=stages[self.steps["shift"] - 1].weight, shifted_at=datetime.now(UTC), verdict=None
            ),
            "look": lambda release: release.updated(verdict=HELD if release.weight == stages[-1].weight else WELL),
            "roll_back": self._fail,
            "fail": lambda release: release.ended("failed", "no step was left"),  # type: ignore[arg-type]  # as JSON
        }
        self.steps: Counter[str] = Counter()
        self._name = ""
        self.operations = 1
        self.slept = timedelta()
        self.looks: dict[str, list[timedelta]] = {}
        """The time of each try of each step, from the first."""

    def _last(self, tries: int) -> bool:
        return self.steps[self._name] == tries

    @staticmethod
    def _fail(_release: Release) -> Release:
        raise DurableOperationError("throttled for ten minutes", "ClientError", None, None)

    def step(self, _body: object, *, name: str, config: object) -> dict[str, Any]:
        """Answer a step."""
        assert config
        self._name = name
        self.steps[name] += 1
        self.looks.setdefault(name, []).append(self.slept)
        self.operations += 1
        if name in self._answers:
            self._release = self._answers[name](self._release)
        return self._release.model_dump(mode="json", by_alias=True)

    def wait(self, duration: Any) -> None:  # noqa: ANN401 - the SDK's own
        """Count a wait."""
        self.operations += 1
        self.slept += timedelta(seconds=duration.to_seconds())


def plan(stages: int) -> Stages:
    return tuple(Stage(weight=number + 1, bake=timedelta(minutes=5)) for number in range(stages))


LARGEST = max(number for number in range(1, 100) if why_it_does_not_fit(plan(number)) is None)


def test_the_largest_plan_fits_one_execution() -> None:
    context = LongestExecution(plan(LARGEST))
    ended = carry_out(Run(context, RELEASE))  # type: ignore[arg-type]  # two methods of the SDK's class
    assert ended["status"] == "failed"
    assert (context.steps["publish"], context.steps["check_active"]) == (PUBLISH_TRIES, ACTIVE_TRIES)
    assert context.steps["look"] == 10 * LARGEST + HOLD_CHECKS
    assert MAX_OPERATIONS - 30 < context.operations <= MAX_OPERATIONS


def test_the_longest_plan_ends_within_the_execution_timeout() -> None:
    context = LongestExecution((Stage(weight=50, bake=timedelta(days=3)),))
    carry_out(Run(context, RELEASE))  # type: ignore[arg-type]
    assert context.slept <= MAX_TIME + timedelta(hours=2)


@pytest.mark.parametrize("step", ["publish", "check_active", "provision_concurrency"])
def test_looks_for_what_aws_prepares_begin_at_once_and_become_rare(step: str) -> None:
    context = LongestExecution(plan(1))
    carry_out(Run(context, RELEASE))  # type: ignore[arg-type]
    since = [(moment - context.looks[step][0]) // timedelta(seconds=1) for moment in context.looks[step]]
    waits = [after - before for before, after in pairwise(since)]
    assert since[:5] == [0, 0, 1, 3, 6], "once more at once: most versions are Active by then"
    assert waits == sorted(waits)
    assert waits[20:] == [15] * len(waits[20:])
    assert sum(waits) >= {"publish": 600}.get(step, 1_500)


@pytest.mark.parametrize("seconds", [1, 2, 9, 10, 11, 14, 25, 84, 95, 299, 300, 86_399, 259_200])
def test_a_bake_is_exactly_as_long_as_the_manifest_says(seconds: int) -> None:
    waits = bake_waits(Stage(weight=10, bake=timedelta(seconds=seconds)))
    assert sum(waits, timedelta()) == timedelta(seconds=seconds)
    assert all(
        wait >= timedelta(seconds=1) and wait == timedelta(seconds=wait // timedelta(seconds=1)) for wait in waits
    )


def test_a_part_of_a_second_is_waited_for_whole() -> None:
    slept = LongestExecution(plan(1))
    Run(slept, RELEASE).wait(timedelta(seconds=1.2))  # type: ignore[arg-type]
    assert slept.slept == timedelta(seconds=2)
