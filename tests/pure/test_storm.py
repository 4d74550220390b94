"""A thousand cold starts at once wait for S3, and none fails: in virtual time, with the loader's parts and pauses."""

import pytest

from bootstrap.loader.retry import ATTEMPTS, LONGEST, backoff, pause
from tests.storm import evenly, parts, storm

TIMEOUT = 30.0
"""Seconds that a call has, by deployer/application.yaml."""


@pytest.mark.parametrize(("starts", "seconds"), [(1_000, 0), (1_000, 10), (2_000, 10), (4_000, 60)])
def test_no_load_fails_and_all_are_ready_within_a_calls_time(starts: int, seconds: int) -> None:
    outcome = storm(evenly(starts, seconds), parts())
    assert outcome.failed == 0
    assert len(outcome.ready) == starts
    assert max(outcome.ready) < TIMEOUT


def test_if_a_busy_s3_were_an_attempt_loads_would_fail() -> None:
    def attempts(refusals: int) -> float | None:
        return backoff(refusals) if refusals < ATTEMPTS else None

    assert storm(evenly(1_000, 0), [2 << 20] * 62, attempts).failed > 100


def test_a_large_bundle_is_loaded_in_few_requests() -> None:
    assert len(parts()) <= 52


def test_a_pause_is_anywhere_within_a_bound_that_grows_and_ends() -> None:
    assert all(0 <= pause(slowed) <= min(LONGEST, 0.1 * 2**slowed) for slowed in range(1, 100) for _ in range(20))
    assert len({pause(5) for _ in range(20)}) > 15
