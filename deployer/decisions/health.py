"""Pure: numbers in, verdict out."""

import math

from deployer.decisions.evidence import evidence, suspicious
from deployer.model.health import Alarm, Health, Sample, Traffic, Verdict
from deployer.model.manifest import Rollout

RISK = 0.005
"""The probability of blaming a good release for its errors, in all its stages together."""


def judge(sample: Sample, thresholds: Rollout, alarms_before: frozenset[str] = frozenset()) -> Verdict:
    """Decide whether the new version may have more traffic.

    `alarms_before` names alarms that were in ALARM before the release began: they do not count against it, because
    it may be the fix that ends them. Unseen is not healthy: what could not be read is no reason to go on.
    """
    if sample.alarms is None or sample.canary is None or sample.stable is None:
        return Verdict(health=Health.UNMEASURED, reason="CloudWatch could not be read")
    for reason in _reasons_against(sample.canary, sample.stable, sample.alarms, thresholds, alarms_before):
        if reason:
            return Verdict(health=Health.UNHEALTHY, reason=reason)
    missing = [alarm.name for alarm in sample.alarms if alarm.state == "MISSING"]
    if missing:
        return Verdict(health=Health.UNMEASURED, reason=f"there is no alarm named {', '.join(missing)}")
    if reason := _too_little(sample.canary, sample.stable, thresholds):
        return Verdict(health=Health.INCONCLUSIVE, reason=reason)
    seen, errors = sample.canary.invocations, sample.canary.errors
    return Verdict(health=Health.HEALTHY, reason=f"{seen} invocations, {errors} errors")


def _too_little(canary: Traffic, stable: Traffic, thresholds: Rollout) -> str | None:
    """Return why the version cannot be called healthy: its calls are few, or those to compare them with."""
    needed = thresholds.minimum_invocations
    if canary.invocations < needed:
        return f"{canary.invocations} of {needed} invocations needed for a verdict"
    if stable.invocations < needed and suspicious(canary, stable, thresholds.error_rate):
        return (
            f"{canary.errors} of {canary.invocations} invocations failed, and the stable version had "
            f"{stable.invocations} of {needed} invocations needed to compare them with"
        )
    return None


def _reasons_against(
    canary: Traffic,
    stable: Traffic,
    alarms: tuple[Alarm, ...],
    thresholds: Rollout,
    alarms_before: frozenset[str],
) -> tuple[str | None, ...]:
    return (
        _alarm_reason(alarms, alarms_before),
        _error_rate_reason(canary, stable, thresholds),
        _throttle_reason(canary, stable),
        _slowness_reason(canary, stable, thresholds),
    )


def _alarm_reason(alarms: tuple[Alarm, ...], alarms_before: frozenset[str]) -> str | None:
    red = [alarm.name for alarm in alarms if alarm.state == "ALARM" and alarm.name not in alarms_before]
    return f"alarm {', '.join(red)} is in ALARM" if red else None


def _error_rate_reason(canary: Traffic, stable: Traffic, thresholds: Rollout) -> str | None:
    """Blame errors that chance does not explain; each stage may use up an equal part of the risk."""
    stages = max(1, len(thresholds.plan()))
    if evidence(canary, stable, thresholds.error_rate) < math.log(stages / RISK):
        return None
    return (
        f"{canary.errors} of {canary.invocations} invocations failed ({canary.error_rate:.1f} %); "
        f"the stable version fails {stable.error_rate:.1f} %"
    )


def _throttle_reason(canary: Traffic, stable: Traffic) -> str | None:
    """Throttles of the new version alone speak against it; when both are throttled, the account is at its limit."""
    if canary.throttles and not stable.throttles:
        return f"{canary.throttles} invocations were throttled, none of the stable version's"
    return None


def _slowness_reason(canary: Traffic, stable: Traffic, thresholds: Rollout) -> str | None:
    if thresholds.slowdown is None or canary.p95 is None or not stable.p95:
        return None
    if canary.invocations < thresholds.minimum_invocations or canary.p95 <= thresholds.slowdown * stable.p95:
        return None
    return f"p95 duration is {canary.p95:.0f} ms, the stable version's {stable.p95:.0f} ms"
