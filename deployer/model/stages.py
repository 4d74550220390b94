"""Pure: a strategy's name or its explicit stages in, the stages of a rollout out."""

import math
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from deployer.model.duration import Duration, show
from deployer.model.value import Value

CHECKS_PER_BAKE = 10
"""Checks per bake; a CloudWatch metric has one value per minute, so a short bake has fewer."""
SHORTEST_WAIT = timedelta(seconds=30)
"""Between two looks: a CloudWatch metric has one value a minute, and a red alarm waits for no look."""
MAX_OPERATIONS = 3_000
"""Source: AWS Lambda developer guide, durable functions quotas: operations per execution."""
HOLD_CHECKS = 200
"""Checks of a release that waits for enough traffic or for a person."""
LONGEST_HOLD_WAIT = timedelta(minutes=30)
TURN_TRIES = 45
"""At up to a minute each: half an hour, after which a turn is over in any case."""
PUBLISH_TRIES = 60
ACTIVE_TRIES = 120
"""Up to fifteen seconds each: half an hour together, more than a SnapStart snapshot takes."""
_SINGLE_OPERATIONS = 12
"""The execution and the steps that run once: check_order, inspect … finish; and one spare."""
OPERATIONS_ASIDE = 2 * (TURN_TRIES + PUBLISH_TRIES + 2 * ACTIVE_TRIES + HOLD_CHECKS) + _SINGLE_OPERATIONS
"""Operations besides the stages: a step and a wait for each try and each check of a held release."""
MAX_TIME = timedelta(days=6, hours=12)
"""The rollout function's execution timeout of seven days, less the longest time of everything but bakes and holds."""
MAX_BAKE = timedelta(days=3)
"""The longest bake time of all stages together; the rest is for holding a release."""

NAMES = ("all-at-once", "canary", "linear")
_SHARE, _MINUTES = r"([1-9][0-9]?)Percent", r"([1-9][0-9]{0,5})Minutes?"
_CODEDEPLOY_CANARY = re.compile(rf"(?:CodeDeployDefault\.)?(?:Lambda)?Canary{_SHARE}{_MINUTES}")
_CODEDEPLOY_LINEAR = re.compile(rf"(?:CodeDeployDefault\.)?(?:Lambda)?Linear{_SHARE}Every{_MINUTES}")
_CODEDEPLOY_ALL = re.compile(r"(?:CodeDeployDefault\.)?(?:Lambda)?AllAtOnce")

Percent = Annotated[int, Field(ge=1, le=99)]


class Stage(Value):
    """A share of the traffic, in percent, and how long it bakes before the next one."""

    weight: Percent
    bake: Duration = timedelta(minutes=5)

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.bake < timedelta(seconds=1):
            raise ValueError('a bake of at least "1s"')
        return self

    def __str__(self) -> str:
        return f"{self.weight} % for {show(self.bake)}"


Stages = tuple[Stage, ...]


def canary(weight: int = 10, bake: timedelta = timedelta(minutes=5)) -> Stages:
    """One small stage, then everything."""
    return (Stage(weight=weight, bake=bake),)


def linear(step: int = 10, bake: timedelta = timedelta(minutes=1)) -> Stages:
    """Equal steps up to everything."""
    return tuple(Stage(weight=weight, bake=bake) for weight in range(step, 100, step))


def named(name: str) -> Stages:
    """Stages of a strategy given by name; the names of CodeDeploy's Lambda configurations are known too.

    Raises ValueError for an unknown name.
    Source: AWS CodeDeploy user guide, predefined deployment configurations for AWS Lambda.
    """
    if name == "all-at-once" or _CODEDEPLOY_ALL.fullmatch(name):
        return ()
    if name == "canary":
        return canary()
    if name == "linear":
        return linear()
    if found := _CODEDEPLOY_CANARY.fullmatch(name):
        return canary(int(found[1]), timedelta(minutes=int(found[2])))
    if found := _CODEDEPLOY_LINEAR.fullmatch(name):
        return linear(int(found[1]), timedelta(minutes=int(found[2])))
    raise ValueError(
        f"{', '.join(NAMES)}, or one of CodeDeploy's names, "
        "for instance Canary10Percent5Minutes or Linear10PercentEvery1Minute"
    )


def checks_of(stage: Stage) -> int:
    """Return how many times a stage is checked: about ten, at most once in half a minute."""
    return max(1, min(CHECKS_PER_BAKE, stage.bake // SHORTEST_WAIT))


def bake_waits(stage: Stage) -> tuple[timedelta, ...]:
    """Return the waits before each check of a stage: whole seconds, together its bake, rounded up."""
    each = stage.bake.total_seconds() / checks_of(stage)
    ends = [math.ceil(each * number) for number in range(checks_of(stage) + 1)]
    return tuple(timedelta(seconds=end - begin) for begin, end in pairwise(ends))


def turn_waits() -> tuple[timedelta, ...]:
    """Return the waits between looks whether another release of the application is still being prepared."""
    return tuple(timedelta(seconds=min(60, 2 * number)) for number in range(1, TURN_TRIES + 1))


def hold_waits(stages: Stages) -> Iterator[timedelta]:
    """Return the waits between checks while a release is held. Waits grow; together they last about three days.

    Waits stop before the execution's limit of seven days, so that the rollout can still record why it ended.
    """
    left = MAX_TIME - sum((stage.bake for stage in stages), timedelta())
    wait = stages[0].bake / checks_of(stages[0])
    for _ in range(HOLD_CHECKS):
        wait = min(wait, LONGEST_HOLD_WAIT)
        left -= wait
        if left < timedelta():
            return
        yield wait
        wait *= 1.1


def why_it_does_not_fit(stages: Stages) -> str | None:
    """Return, with the arithmetic, why a plan cannot fit one durable execution; None when it fits."""
    operations = sum(2 * checks_of(stage) + 1 for stage in stages) + OPERATIONS_ASIDE
    if operations > MAX_OPERATIONS:
        return (
            f"a plan within {MAX_OPERATIONS} operations per execution; {len(stages)} stages need {operations} "
            f"(a wait and a check about {CHECKS_PER_BAKE} times each, and {OPERATIONS_ASIDE} for the rest)"
        )
    total = sum((stage.bake for stage in stages), timedelta())
    if total > MAX_BAKE:
        return f"bakes of {show(MAX_BAKE)} in all; these add up to {show(total)}"
    return None
