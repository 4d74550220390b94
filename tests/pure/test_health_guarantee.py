"""Simulated releases: a good one is hardly ever blamed, however often it is measured, and a bad one soon is."""

import math
import random

import pytest

from deployer.decisions.health import RISK, judge, too_many_slow
from deployer.model.health import Durations as Taken
from deployer.model.health import Health, Sample, Traffic
from deployer.model.manifest import Rollout
from deployer.model.stages import CHECKS_PER_BAKE, Stage, linear

RELEASES = 300
RATES = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05)
CALLS_A_LOOK = (1, 10, 100)
PLANS = {
    "1 %": Rollout(weight=1),
    "10 %": Rollout(),
    "50 %": Rollout(weight=50),
    "90 %": Rollout(weight=90),
    "linear": Rollout(stages=linear()),
    "5, 50 and 95 %": Rollout(stages=(Stage(weight=5), Stage(weight=50), Stage(weight=95))),
    "30 %, nothing allowed": Rollout(weight=30, error_rate=0),
}
HELD = 220
"""Looks at a release that is held: more than a rollout takes."""


def seeded(name: str) -> random.Random:
    """Return the same chances each time a test runs."""
    return random.Random(name)  # noqa: S311 - nothing is kept secret with it


class Calls:
    """A version's calls since its stage began; each fails or not, independently."""

    def __init__(self, chance: random.Random, error_rate: float) -> None:
        self._chance = chance
        self._error_rate = error_rate
        self._number = 0
        self.errors = 0

    def come(self, number: int) -> None:
        self._number += number
        self.errors += self._chance.binomialvariate(number, self._error_rate)

    @property
    def rate(self) -> float:
        """The share of calls that failed; 0 without a call."""
        return self.errors / self._number if self._number else 0.0

    def traffic(self) -> Traffic:
        return Traffic(invocations=self._number, errors=self.errors)


def blamed_in_stage(thresholds: Rollout, canary: Calls, stable: Calls, split: list[tuple[int, int]]) -> int | None:
    """Return the number of the look that blames a release, None if none does; `split` are the calls of each look.

    One error blames nobody, and so does a rate no higher than the stable version's. Other tests hold that, and such
    looks are passed over, because they are most.
    """
    for number, (to_canary, to_stable) in enumerate(split, start=1):
        canary.come(to_canary)
        stable.come(to_stable)
        if canary.errors > 1 and canary.rate > stable.rate and _health(thresholds, canary, stable) is Health.UNHEALTHY:
            return number
    return None


def _health(thresholds: Rollout, canary: Calls, stable: Calls) -> Health:
    return judge(Sample(canary=canary.traffic(), stable=stable.traffic(), alarms=()), thresholds).health


def blamed(chance: random.Random, thresholds: Rollout, calls: int, rate: float, looks: int) -> bool:
    """Roll out a release that fails as often as the stable version, and return whether it is blamed in any stage."""
    for stage in thresholds.plan():
        taken = [chance.binomialvariate(calls, stage.weight / 100) for _ in range(looks)]
        split = [(to_canary, calls - to_canary) for to_canary in taken]
        if blamed_in_stage(thresholds, Calls(chance, rate), Calls(chance, rate), split):
            return True
    return False


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("calls", CALLS_A_LOOK)
def test_a_good_release_is_hardly_ever_blamed(plan: str, calls: int) -> None:
    chance = seeded(f"{plan}, {calls} calls")
    for rate in RATES:
        wrong = sum(blamed(chance, PLANS[plan], calls, rate, CHECKS_PER_BAKE) for _ in range(RELEASES))
        assert wrong / RELEASES < RISK, f"{wrong} of {RELEASES} good releases at {rate:.1%} errors were blamed"


def test_a_good_release_that_is_held_is_hardly_ever_blamed() -> None:
    chance = seeded("held")
    wrong = sum(blamed(chance, Rollout(weight=50), 5, 0.05, HELD) for _ in range(RELEASES))
    assert wrong / RELEASES < RISK


DETECTED = [
    # calls a look, error rate, looks within which this share of bad releases is caught
    (1, 1.0, 3, 1.0),
    (3, 1.0, 1, 1.0),
    (3, 0.3, 10, 0.97),
    (10, 0.3, 10, 1.0),
    (10, 0.3, 3, 0.9),
    (10, 0.1, 10, 0.8),
    (50, 0.1, 3, 0.9),
]


@pytest.mark.parametrize(("calls", "rate", "looks", "share"), DETECTED)
def test_a_bad_release_is_caught(calls: int, rate: float, looks: int, share: float) -> None:
    """With a tenth of the traffic, beside a stable version that never fails."""
    chance = seeded(f"{calls} calls, {rate}")
    split = [(calls, 9 * calls)] * looks
    found = [blamed_in_stage(Rollout(), Calls(chance, rate), Calls(chance, 0.0), split) for _ in range(500)]
    assert sum(1 for look in found if look) >= share * 500


class Durations:
    """Durations of a version's calls so far."""

    def __init__(self, chance: random.Random, factor: float) -> None:
        self._chance = chance
        self._factor = factor
        self._sorted: list[float] = []

    def come(self, number: int) -> None:
        took = [self._factor * self._chance.lognormvariate(4, 1) for _ in range(number)]
        self._sorted.extend(took)
        self._sorted.sort()  # quick, for most of it is in order

    def slowest(self, number: int) -> float:
        """Return how long so many calls took at least."""
        return self._sorted[-number]

    def traffic(self) -> Traffic:
        return Traffic(invocations=len(self._sorted))


def called_slow(thresholds: Rollout, canary: Durations, stable: Durations, split: tuple[int, int], looks: int) -> bool:
    """Look at a version again and again, and return whether it is blamed for its slow calls."""
    for _ in range(looks):
        canary.come(split[0])
        stable.come(split[1])
        seen, compared = canary.traffic(), stable.traffic()
        slow = too_many_slow(seen, compared, thresholds)
        if slow is None:
            continue
        usual = stable.slowest(math.ceil(0.05 * compared.invocations))
        taken = Taken(slow=slow, canary=canary.slowest(slow), stable=usual)
        verdict = judge(Sample(canary=seen, stable=compared, alarms=(), durations=taken), thresholds)
        if verdict.health is Health.UNHEALTHY:
            return True
    return False


@pytest.mark.parametrize("split", [(1, 9), (10, 90), (50, 50), (90, 10)])
def test_a_release_that_is_as_fast_is_hardly_ever_called_slow(split: tuple[int, int]) -> None:
    """Not even where the manifest allows nothing, and one call in twenty is slow by its definition."""
    chance, thresholds = seeded(f"slow, {split}"), Rollout(slowdown=1)
    found = [
        called_slow(thresholds, Durations(chance, 1), Durations(chance, 1), split, CHECKS_PER_BAKE)
        for _ in range(RELEASES // 3)
    ]
    assert not any(found)


@pytest.mark.parametrize(("split", "looks"), [((3, 27), 10), ((10, 90), 3), ((50, 50), 1)])
def test_a_release_that_is_much_slower_is_caught(split: tuple[int, int], looks: int) -> None:
    chance, thresholds = seeded(f"much slower, {split}"), Rollout(slowdown=2)
    found = [
        called_slow(thresholds, Durations(chance, 20), Durations(chance, 1), split, looks) for _ in range(RELEASES // 3)
    ]
    assert sum(found) >= 0.95 * len(found)
