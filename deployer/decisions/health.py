"""Pure: numbers in, verdict out."""

import math
from bisect import bisect_left

from deployer.decisions.evidence import evidence, suspicious
from deployer.model.health import Alarm, Durations, Health, Sample, Traffic, Unread, Verdict
from deployer.model.manifest import Rollout

RISK = 0.005
"""The probability of blaming a good release by its numbers, in all its stages together."""
_SLOW_SHARE = 0.05
"""The share of the stable version's calls that took longer than its p95 duration."""


def judge(sample: Sample, thresholds: Rollout, alarms_before: frozenset[str] = frozenset()) -> Verdict:
    """Decide whether the new version may have more traffic.

    `alarms_before` names alarms that were in ALARM before the release began: they do not count against it, because
    it may be the fix that ends them. Unseen is not healthy: what could not be read is no reason to go on.
    """
    canary, stable, alarms, durations = sample.canary, sample.stable, sample.alarms, sample.durations
    if isinstance(canary, Unread) or isinstance(stable, Unread):
        return _not_yet(canary, stable)
    if isinstance(alarms, Unread) or isinstance(durations, Unread):
        return _not_yet(alarms, durations)
    reasons = (
        _alarm_reason(alarms, alarms_before),
        _error_rate_reason(canary, stable, thresholds),
        _slowness_reason(canary, durations, thresholds),
    )
    if against := [reason for reason in reasons if reason]:
        return Verdict(health=Health.UNHEALTHY, reason="; ".join(against))
    if missing := [alarm.name for alarm in alarms if alarm.state == "MISSING"]:
        return Verdict(health=Health.UNMEASURED, reason=f"there is no alarm named {', '.join(missing)}")
    if reason := _too_little(canary, stable, thresholds):
        return Verdict(health=Health.INCONCLUSIVE, reason=reason)
    return Verdict(health=Health.HEALTHY, reason=f"{canary.invocations} invocations, {canary.errors} errors")


def _not_yet(*answers: object) -> Verdict:
    """Say which answer is missing; the next look asks again."""
    reason = next(answer.reason for answer in answers if isinstance(answer, Unread))
    return Verdict(health=Health.UNMEASURED, reason=f"CloudWatch could not be read yet: {reason}")


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


def _alarm_reason(alarms: tuple[Alarm, ...], alarms_before: frozenset[str]) -> str | None:
    red = [alarm.name for alarm in alarms if alarm.state == "ALARM" and alarm.name not in alarms_before]
    return f"alarm {', '.join(red)} is in ALARM" if red else None


def _error_rate_reason(canary: Traffic, stable: Traffic, thresholds: Rollout) -> str | None:
    """Blame errors that chance does not explain."""
    if evidence(canary, stable, thresholds.error_rate) < _enough_evidence(thresholds):
        return None
    return (
        f"{canary.errors} of {canary.invocations} invocations failed ({canary.error_rate:.1f} %); "
        f"the stable version fails {stable.error_rate:.1f} %"
    )


def _enough_evidence(thresholds: Rollout) -> float:
    """Return how much evidence blames a release: each question of each stage may use up an equal part of the risk."""
    questions = 1 if thresholds.slowdown is None else 2
    return math.log(max(1, len(thresholds.plan())) * questions / RISK)


def too_many_slow(canary: Traffic, stable: Traffic, thresholds: Rollout) -> int | None:
    """Return how many slow calls of the new version chance does not explain; None if no number of them would.

    A call is slow when it took longer than the stable version's p95 duration, `slowdown` times. A version that is well
    has 5 % of such calls at the most.
    """
    if thresholds.slowdown is None:
        return None
    usual = Traffic(invocations=stable.invocations, errors=math.ceil(_SLOW_SHARE * stable.invocations))
    enough = _enough_evidence(thresholds)

    def tells(slow: int) -> bool:
        return evidence(Traffic(invocations=canary.invocations, errors=slow), usual, 0) >= enough

    slow = bisect_left(range(canary.invocations), True, key=tells)
    return slow if slow < canary.invocations else None


def _slowness_reason(canary: Traffic, durations: Durations | None, thresholds: Rollout) -> str | None:
    if durations is None or thresholds.slowdown is None:
        return None
    if durations.canary <= thresholds.slowdown * durations.stable:
        return None
    return (
        f"{durations.slow} of {canary.invocations} invocations took {durations.canary:.0f} ms or longer; "
        f"the stable version's p95 duration is {durations.stable:.0f} ms"
    )
