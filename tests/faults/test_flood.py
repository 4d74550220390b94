"""A small flood; `make faults` has a thousand drops."""

import pytest

from tests.faults.flood import flood, rollbacks


@pytest.mark.parametrize("throttled", [0.0, 0.5])
def test_a_flood_loses_nothing_and_promotes_nothing_twice(throttled: float) -> None:
    outcome = flood(drops=20, applications=4, seed=1, throttled=throttled)
    assert (outcome.lost, outcome.promoted_twice, outcome.broken) == (0, 0, ())
    assert outcome.killed
    assert sum(outcome.ends.values()) == outcome.drops


def test_a_rollback_completes_with_one_write_while_half_of_all_calls_are_throttled() -> None:
    outcome = rollbacks(20)
    assert outcome.completed == outcome.commands
    assert outcome.writes == (1,)
