"""A small flood; `make faults` has a thousand drops."""

import pytest

from tests.faults.flood import flood, rollbacks


@pytest.mark.parametrize("throttled", [0.0, 0.5])
def test_a_flood_loses_nothing_and_promotes_nothing_twice(throttled: float) -> None:
    told = flood(drops=20, applications=4, seed=1, throttled=throttled)
    assert (told.lost, told.promoted_twice, told.broken) == (0, 0, ())
    assert told.killed
    assert sum(told.ends.values()) == told.drops


def test_a_rollback_completes_with_one_write_while_half_of_all_calls_are_throttled() -> None:
    told = rollbacks(20)
    assert told.completed == told.commands
    assert told.writes == (1,)
