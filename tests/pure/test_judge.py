"""Verdicts: four ends, from numbers alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.decisions.health import judge, lower_bound
from deployer.model.health import Alarm, End, Look, Traffic
from deployer.model.manifest import Rollout

WELL = Traffic(invocations=1_000, errors=1)
DEFAULTS = Rollout()


def look(canary: Traffic | None, *alarms: Alarm, stable: Traffic | None = WELL) -> Look:
    return Look(canary=canary, stable=stable, alarms=alarms)


def test_enough_traffic_without_errors_is_healthy() -> None:
    assert judge(look(Traffic(invocations=50)), DEFAULTS).end is End.HEALTHY


@pytest.mark.parametrize(("invocations", "errors"), [(3, 3), (10, 5), (100, 10), (5_000, 150)])
def test_more_errors_than_chance_explains_are_unhealthy(invocations: int, errors: int) -> None:
    verdict = judge(look(Traffic(invocations=invocations, errors=errors)), DEFAULTS)
    assert verdict.end is End.UNHEALTHY
    assert f"{errors} of {invocations}" in verdict.reason


def test_one_unlucky_call_in_many_is_no_reason() -> None:
    assert judge(look(Traffic(invocations=200, errors=1)), DEFAULTS).end is End.HEALTHY


def test_a_version_that_fails_as_often_as_the_stable_one_is_not_blamed() -> None:
    ill = Traffic(invocations=1_000, errors=400)
    assert judge(look(Traffic(invocations=100, errors=40), stable=ill), DEFAULTS).end is End.HEALTHY


def test_too_little_traffic_is_inconclusive_not_healthy() -> None:
    assert judge(look(Traffic(invocations=9)), DEFAULTS).end is End.INCONCLUSIVE
    assert judge(look(Traffic(invocations=0)), Rollout(minimum_invocations=0)).end is End.HEALTHY


def test_what_could_not_be_read_is_not_healthy() -> None:
    assert judge(look(None), DEFAULTS).end is End.UNMEASURED
    assert judge(Look(canary=Traffic(invocations=50), stable=WELL, alarms=None), DEFAULTS).end is End.UNMEASURED
    missing = Alarm(name="orders-errors", state="MISSING")
    assert judge(look(Traffic(invocations=50), missing), DEFAULTS).end is End.UNMEASURED


def test_an_alarm_that_goes_red_is_unhealthy_and_named() -> None:
    verdict = judge(look(Traffic(), Alarm(name="orders-errors", state="ALARM")), DEFAULTS)
    assert verdict.end is End.UNHEALTHY
    assert "orders-errors" in verdict.reason


def test_an_alarm_that_was_red_before_does_not_block_the_fix_that_ends_it() -> None:
    red = Alarm(name="orders-errors", state="ALARM")
    assert judge(look(Traffic(invocations=50), red), DEFAULTS, frozenset({red.name})).end is End.HEALTHY


def test_throttles_of_the_new_version_alone_are_unhealthy() -> None:
    throttled = Traffic(invocations=50, throttles=3)
    assert judge(look(throttled), DEFAULTS).end is End.UNHEALTHY
    assert judge(look(throttled, stable=throttled), DEFAULTS).end is End.HEALTHY


def test_duration_is_judged_only_when_the_manifest_says_so() -> None:
    slow, quick = Traffic(invocations=50, p95=900), Traffic(invocations=50, p95=100)
    assert judge(look(slow, stable=quick), DEFAULTS).end is End.HEALTHY
    assert judge(look(slow, stable=quick), Rollout(slowdown=2)).end is End.UNHEALTHY
    assert judge(look(slow, stable=quick), Rollout(slowdown=10)).end is End.HEALTHY


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_lower_bound_lies_between_nothing_and_the_observed_share(hits: int, more: int) -> None:
    tries = hits + more
    assert 0 <= lower_bound(hits, tries) <= (hits / tries if tries else 0) + 1e-12


def test_the_lower_bound_is_wilsons() -> None:
    assert lower_bound(10, 100) == pytest.approx(0.0552, abs=1e-4)  # Wilson 95 % interval: 0.0552 to 0.1744
