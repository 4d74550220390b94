"""Verdicts: four ends, from numbers alone."""

import math

import pytest

from deployer.decisions.evidence import evidence
from deployer.decisions.health import judge, too_many_slow
from deployer.model.health import Alarm, Durations, Health, Sample, Traffic, Unread
from deployer.model.manifest import Rollout

WELL = Traffic(invocations=1_000, errors=1)
DEFAULTS = Rollout()


def sample(canary: Traffic, *alarms: Alarm, stable: Traffic = WELL) -> Sample:
    return Sample(canary=canary, stable=stable, alarms=alarms)


HEALTH = {
    # invocations and errors of the canary and of the stable version, the manifest's rollout, the verdict
    "enough traffic without errors": ((50, 0), (1_000, 1), DEFAULTS, Health.HEALTHY),
    "one error in one call": ((1, 1), (1_000, 1), DEFAULTS, Health.INCONCLUSIVE),
    "one error in two calls": ((2, 1), (1_000, 1), DEFAULTS, Health.INCONCLUSIVE),
    "one error in few calls": ((9, 1), (1_000, 1), DEFAULTS, Health.INCONCLUSIVE),
    "a rate that the manifest allows": ((5_000, 150), (1_000, 1), Rollout(error_rate=5), Health.HEALTHY),
    "every rate is allowed": ((5_000, 150), (1_000, 1), Rollout(error_rate=100), Health.HEALTHY),
    "errors that arrive before their invocations": ((2, 4), (1_000, 1), DEFAULTS, Health.UNHEALTHY),
    "every call fails, and nobody calls the stable version": ((8, 8), (0, 0), DEFAULTS, Health.UNHEALTHY),
    "as many errors as the stable version has": ((100, 40), (1_000, 400), DEFAULTS, Health.HEALTHY),
    "too little traffic": ((9, 0), (1_000, 1), DEFAULTS, Health.INCONCLUSIVE),
    "no traffic is needed": ((0, 0), (1_000, 1), Rollout(minimum_invocations=0), Health.HEALTHY),
}


@pytest.mark.parametrize(("canary", "stable", "rollout", "health"), HEALTH.values(), ids=HEALTH)
def test_a_verdict_follows_from_counts_and_manifest(
    canary: tuple[int, int], stable: tuple[int, int], rollout: Rollout, health: Health
) -> None:
    new, old = (Traffic(invocations=calls, errors=errors) for calls, errors in (canary, stable))
    assert judge(sample(new, stable=old), rollout).health is health


@pytest.mark.parametrize(("invocations", "errors"), [(3, 3), (10, 4), (100, 10), (5_000, 150)])
def test_more_errors_than_chance_explains_are_unhealthy(invocations: int, errors: int) -> None:
    verdict = judge(sample(Traffic(invocations=invocations, errors=errors)), DEFAULTS)
    assert verdict.health is Health.UNHEALTHY
    assert f"{errors} of {invocations}" in verdict.reason


@pytest.mark.parametrize("invocations", [10, 17, 18, 200])
def test_one_unlucky_call_of_enough_is_no_reason(invocations: int) -> None:
    unlucky = Traffic(invocations=invocations, errors=1)
    for allowed in (DEFAULTS, Rollout(error_rate=0)):
        assert judge(sample(unlucky, stable=Traffic(invocations=10**6)), allowed).health is Health.HEALTHY


def test_many_errors_beside_too_few_calls_to_compare_with_are_inconclusive() -> None:
    failing, seldom = Traffic(invocations=10, errors=4), Traffic(invocations=2)
    verdict = judge(sample(failing, stable=seldom), DEFAULTS)
    assert verdict.health is Health.INCONCLUSIVE
    assert "2 of 10" in verdict.reason
    assert judge(sample(Traffic(invocations=10, errors=1), stable=seldom), DEFAULTS).health is Health.HEALTHY


def test_what_could_not_be_read_is_not_healthy() -> None:
    well, unread = Traffic(invocations=50), Unread(reason="Rate exceeded")
    for seen in (
        Sample(canary=unread, stable=WELL, alarms=()),
        Sample(canary=well, stable=unread, alarms=()),
        Sample(canary=well, stable=WELL, alarms=unread),
        Sample(canary=well, stable=WELL, alarms=(), durations=unread),
    ):
        verdict = judge(seen, Rollout(slowdown=2))
        assert verdict.health is Health.UNMEASURED
        assert verdict.reason == "CloudWatch could not be read yet: Rate exceeded"
    missing = Alarm(name="orders-errors", state="MISSING")
    assert judge(sample(Traffic(invocations=50), missing), DEFAULTS).health is Health.UNMEASURED


def test_an_alarm_that_goes_red_is_unhealthy_and_named() -> None:
    verdict = judge(sample(Traffic(), Alarm(name="orders-errors", state="ALARM")), DEFAULTS)
    assert verdict.health is Health.UNHEALTHY
    assert "orders-errors" in verdict.reason


def test_an_alarm_that_was_red_before_does_not_block_the_fix_that_ends_it() -> None:
    red = Alarm(name="orders-errors", state="ALARM")
    assert judge(sample(Traffic(invocations=50), red), DEFAULTS, frozenset({red.name})).health is Health.HEALTHY


def slow(calls: int, canary: float, stable: float = 100.0, number: int | None = 12) -> Sample:
    """Return what a look saw of calls that took a while; `number` of them took the canary's time, or longer."""
    taken = Durations(slow=number, canary=canary, stable=stable) if number is not None else None
    return Sample(canary=Traffic(invocations=calls), stable=WELL, alarms=(), durations=taken)


def test_duration_counts_only_when_the_manifest_says_so() -> None:
    assert judge(slow(50, 900), DEFAULTS).health is Health.HEALTHY
    assert judge(slow(50, 900), Rollout(slowdown=10)).health is Health.HEALTHY
    verdict = judge(slow(50, 900), Rollout(slowdown=2))
    assert verdict.health is Health.UNHEALTHY
    assert verdict.reason == "12 of 50 invocations took 900 ms or longer; the stable version's p95 duration is 100 ms"


@pytest.mark.parametrize(("calls", "fewest", "most"), [(10, 5, 8), (100, 14, 22), (10_000, 550, 650)])
def test_more_slow_calls_than_chance_explains_are_asked_for(calls: int, fewest: int, most: int) -> None:
    """5 % of the calls may be slow; the more calls there are, the nearer to that is the number that is too many."""
    stable = Traffic(invocations=10 * calls)
    number = too_many_slow(Traffic(invocations=calls), stable, Rollout(slowdown=2))
    assert number is not None
    assert fewest <= number <= most
    assert too_many_slow(Traffic(invocations=calls), stable, DEFAULTS) is None


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_few_calls_are_never_too_slow(calls: int) -> None:
    assert too_many_slow(Traffic(invocations=calls), WELL, Rollout(slowdown=2)) is None


RED = Alarm(name="orders-errors", state="ALARM")


@pytest.mark.parametrize(
    ("errors", "alarms", "error", "reason"),
    [
        (10, (), None, "10 of 20 invocations failed (50.0 %); the stable version fails 0.1 %"),
        (10, (), "KeyError: 'x', app.py:3", "10 of 20 invocations failed (KeyError: 'x', app.py:3); the stable …"),
        (10, (RED,), None, "alarm orders-errors is in ALARM; 10 of 20 invocations failed (50.0 %); the stable …"),
        (1, (RED,), "KeyError", "alarm orders-errors is in ALARM; 1 of 20 invocations failed (KeyError)"),
        (0, (RED,), None, "alarm orders-errors is in ALARM"),
    ],
)
def test_every_reason_against_a_version_is_named(
    errors: int, alarms: tuple[Alarm, ...], error: str | None, reason: str
) -> None:
    seen = Sample(canary=Traffic(invocations=20, errors=errors), stable=WELL, alarms=alarms, error=error)
    assert judge(seen, DEFAULTS).reason == reason.replace("the stable …", "the stable version fails 0.1 %")


# --- evidence, calculated otherwise ---------------------------------------------------------------------------------


def urn(seen: Traffic, failing: float, passing: float) -> float:
    """Return the log likelihood of counts, call after call: each makes more of its kind likely."""
    failed = sum(math.log((failing + n) / (failing + passing + n)) for n in range(seen.errors))
    total = failing + passing + seen.errors
    return failed + sum(math.log((passing + n) / (total + n)) for n in range(seen.successes))


def best(canary: Traffic, stable: Traffic, allowance: float) -> float:
    """Return the log likelihood of the best of very many pairs of rates within the allowance."""
    pairs = ((stable, 5, n / 50_000 * (1 - allowance)) for n in range(1, 50_000))
    return max(
        one.errors * math.log(rate)
        + (one.successes + credit) * math.log(1 - rate)
        - credit * math.log(0.95)
        + canary.errors * math.log(rate + allowance)
        + canary.successes * math.log(1 - rate - allowance)
        for one, credit, rate in pairs
    )


@pytest.mark.parametrize("allowance", [0, 1, 20])
@pytest.mark.parametrize("stable", [(1_000, 1), (40, 3), (7, 1)])
@pytest.mark.parametrize("canary", [(20, 12), (9, 9), (300, 120)])
def test_evidence_is_a_ratio_of_likelihoods(canary: tuple[int, int], stable: tuple[int, int], allowance: int) -> None:
    new, old = (Traffic(invocations=calls, errors=errors) for calls, errors in (canary, stable))
    bad = math.log(0.9 * math.exp(urn(new, 1, 3)) + 0.1 * math.exp(urn(new, 3, 0.3)))
    expected = bad + urn(old, 0.25, 50) - best(new, old, allowance / 100)
    assert evidence(new, old, allowance) == pytest.approx(expected, abs=0.01)


def test_evidence_beside_a_version_that_never_fails() -> None:
    """Its best rate is none at all."""
    new, old = Traffic(invocations=20, errors=12), Traffic(invocations=100_000)
    bad = math.log(0.9 * math.exp(urn(new, 1, 3)) + 0.1 * math.exp(urn(new, 3, 0.3)))
    expected = bad + urn(old, 0.25, 50) - (12 * math.log(0.01) + 8 * math.log(0.99) - 5 * math.log(0.95))
    assert evidence(new, old, 1) == pytest.approx(expected)
