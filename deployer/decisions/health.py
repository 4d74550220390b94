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

    `alarms_before` names alarms that were in ALARM before the release began. They do not count against it, because it
    may be the fix that ends them. Unseen is not healthy: if a measurement fails, the release does not go on.
    """
    canary, stable, alarms, durations = sample.canary, sample.stable, sample.alarms, sample.durations
    if isinstance(canary, Unread) or isinstance(stable, Unread):
        return _not_yet(canary, stable)
    if isinstance(alarms, Unread) or isinstance(durations, Unread):
        return _not_yet(alarms, durations)
    if against := _reasons_against(sample, canary, stable, thresholds, _red(alarms, alarms_before)):
        return Verdict(health=Health.UNHEALTHY, reason="; ".join(against))
    if missing := [alarm.name for alarm in alarms if alarm.state == "MISSING"]:
        return Verdict(health=Health.UNMEASURED, reason=f"there is no alarm named {', '.join(missing)}")
    if reason := _too_little(canary, stable, thresholds):
        return Verdict(health=Health.INCONCLUSIVE, reason=reason)
    return Verdict(health=Health.HEALTHY, reason=f"{canary.invocations} invocations, {canary.errors} errors")


def _not_yet(*answers: object) -> Verdict:
    """Return which measurement is missing; the next check asks again."""
    reason = next(answer.reason for answer in answers if isinstance(answer, Unread))
    return Verdict(health=Health.UNMEASURED, reason=f"CloudWatch could not be read yet: {reason}")


def _too_little(canary: Traffic, stable: Traffic, thresholds: Rollout) -> str | None:
    """Return why the version cannot be called healthy: it, or the stable version, has had too few calls."""
    needed = thresholds.minimum_invocations
    if canary.invocations < needed:
        return f"{canary.invocations} of {needed} invocations needed for a verdict"
    if stable.invocations < needed and suspicious(canary, stable, thresholds.error_rate):
        return (
            f"{canary.errors} of {canary.invocations} invocations failed, and the stable version had "
            f"{stable.invocations} of {needed} invocations needed to compare them with"
        )
    return None


def _red(alarms: tuple[Alarm, ...], alarms_before: frozenset[str]) -> str:
    """Return the names of the alarms that turned red since the release began."""
    return ", ".join(alarm.name for alarm in alarms if alarm.state == "ALARM" and alarm.name not in alarms_before)


def _reasons_against(sample: Sample, canary: Traffic, stable: Traffic, thresholds: Rollout, red: str) -> list[str]:
    """Return the reasons against a version. Beside an alarm they include errors that chance may explain."""
    reasons = [f"alarm {red} is in ALARM"] if red else []
    blamed = evidence(canary, stable, thresholds.error_rate) >= _enough_evidence(thresholds)
    if blamed or (red and canary.errors):
        what = sample.error or f"{canary.error_rate:.1f} %"
        reasons.append(f"{canary.errors} of {canary.invocations} invocations failed ({what})")
    if blamed:
        reasons.append(f"the stable version fails {stable.error_rate:.1f} %")
    durations = sample.durations
    if isinstance(durations, Durations) and too_slow(durations, thresholds):
        reasons += [
            f"{durations.slow} of {canary.invocations} invocations took {durations.canary:.0f} ms or longer",
            f"the stable version's p95 duration is {durations.stable:.0f} ms",
        ]
    return reasons


def _enough_evidence(thresholds: Rollout) -> float:
    """Return the evidence that blames a release; each test of each stage gets an equal part of the risk."""
    questions = 1 if thresholds.slowdown is None else 2
    return math.log(max(1, len(thresholds.plan())) * questions / RISK)


def too_many_slow(canary: Traffic, stable: Traffic, thresholds: Rollout) -> int | None:
    """Return how many slow calls of the new version exceed chance; None if no number of them does.

    A call is slow when it took longer than `slowdown` times the stable version's p95 duration. A healthy version has at
    most 5 % of such calls.
    """
    if thresholds.slowdown is None:
        return None
    usual = Traffic(invocations=stable.invocations, errors=math.ceil(_SLOW_SHARE * stable.invocations))
    enough = _enough_evidence(thresholds)

    def is_enough(slow: int) -> bool:
        return evidence(Traffic(invocations=canary.invocations, errors=slow), usual, 0) >= enough

    slow = bisect_left(range(canary.invocations), True, key=is_enough)
    return slow if slow < canary.invocations else None


def too_slow(durations: Durations, thresholds: Rollout) -> bool:
    """Return whether so many calls took so long that chance does not explain it."""
    return thresholds.slowdown is not None and durations.canary > thresholds.slowdown * durations.stable
