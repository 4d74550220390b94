"""A few orders of every race; `make faults` runs thousands."""

import pytest

from tests.faults.races import RACES, Race, broken, run

SEEDS = range(3)


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name.replace(" ", "-"))
def test_a_race_leaves_everything_as_it_must_be(race: Race) -> None:
    assert broken(race, SEEDS) == []


def test_the_same_seed_is_the_same_order() -> None:
    calls = [[(call.actor, call.operation) for call in run(RACES[0], 5).account.calls] for _ in range(2)]
    assert calls[0] == calls[1]
    assert calls[0] != [(call.actor, call.operation) for call in run(RACES[0], 6).account.calls]
