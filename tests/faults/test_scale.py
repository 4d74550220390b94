"""A sample of `python -m tests.faults.scale`: an account that is throttled is slower, and never wrong."""

from tests.faults.scale import day


def test_a_throttled_day_ends_rollbacks_are_answered_and_nothing_is_violated() -> None:
    told = day(applications=10, releases=2, rate=1.5, seed=2)
    assert told.throttled
    assert told.ends.total() == told.releases == 20
    assert "no record" not in told.ends
    assert "failed" not in told.ends
    assert told.rollbacks
    assert max(told.rollbacks) < 5
    assert told.broken == []
