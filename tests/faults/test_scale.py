"""A sample of `python -m tests.faults.scale`: an account that is throttled is slower, and never wrong."""

from tests.faults.scale import day


def test_a_throttled_day_ends_rollbacks_are_answered_and_nothing_is_violated() -> None:
    outcome = day(applications=10, releases=2, rate=1.5, seed=2)
    assert outcome.throttled
    assert outcome.ends.total() == outcome.releases == 20
    assert "no record" not in outcome.ends
    assert "failed" not in outcome.ends
    assert outcome.rollbacks
    assert max(outcome.rollbacks) < 5
    assert outcome.broken == []
