"""Pure: numbers in, verdict out."""

import math

from deployer.model.health import Alarm, End, Look, Traffic, Verdict
from deployer.model.manifest import Rollout

_Z = 1.96
"""The normal distribution's quantile of a two-sided 95 % interval."""


def judge(look: Look, thresholds: Rollout, red_before: frozenset[str] = frozenset()) -> Verdict:
    """Decide whether the new version may have more traffic.

    `red_before` names alarms that were in ALARM before the release began: they do not count against it, because
    it may be the fix that ends them. Unseen is not healthy: what could not be read is no reason to go on.
    """
    if look.alarms is None or look.canary is None or look.stable is None:
        return Verdict(end=End.UNMEASURED, reason="CloudWatch could not be read")
    for reason in _against(look.canary, look.stable, look.alarms, thresholds, red_before):
        if reason:
            return Verdict(end=End.UNHEALTHY, reason=reason)
    missing = [alarm.name for alarm in look.alarms if alarm.state == "MISSING"]
    if missing:
        return Verdict(end=End.UNMEASURED, reason=f"there is no alarm named {', '.join(missing)}")
    if look.canary.invocations < thresholds.minimum_invocations:
        seen, needed = look.canary.invocations, thresholds.minimum_invocations
        return Verdict(end=End.INCONCLUSIVE, reason=f"{seen} of {needed} invocations needed for a verdict")
    seen, errors = look.canary.invocations, look.canary.errors
    return Verdict(end=End.HEALTHY, reason=f"{seen} invocations, {errors} errors")


def _against(
    canary: Traffic,
    stable: Traffic,
    alarms: tuple[Alarm, ...],
    thresholds: Rollout,
    red_before: frozenset[str],
) -> tuple[str | None, ...]:
    return (
        _red(alarms, red_before),
        _failing(canary, stable, thresholds.error_rate),
        _throttled(canary, stable),
        _slow(canary, stable, thresholds),
    )


def _red(alarms: tuple[Alarm, ...], red_before: frozenset[str]) -> str | None:
    red = [alarm.name for alarm in alarms if alarm.state == "ALARM" and alarm.name not in red_before]
    return f"alarm {', '.join(red)} is in ALARM" if red else None


def _failing(canary: Traffic, stable: Traffic, allowance: float) -> str | None:
    """Compare error rates so that one unlucky call in many is no reason, and three of three are."""
    surely = 100 * lower_bound(canary.errors, canary.invocations)
    if surely <= stable.error_rate + allowance:
        return None
    return (
        f"{canary.errors} of {canary.invocations} invocations failed ({canary.error_rate:.1f} %, "
        f"at least {surely:.1f} % with 95 % confidence); the stable version fails {stable.error_rate:.1f} %"
    )


def _throttled(canary: Traffic, stable: Traffic) -> str | None:
    """Throttles of the new version alone speak against it; when both are throttled, the account is at its limit."""
    if canary.throttles and not stable.throttles:
        return f"{canary.throttles} invocations were throttled, none of the stable version's"
    return None


def _slow(canary: Traffic, stable: Traffic, thresholds: Rollout) -> str | None:
    if thresholds.slowdown is None or canary.p95 is None or not stable.p95:
        return None
    if canary.invocations < thresholds.minimum_invocations or canary.p95 <= thresholds.slowdown * stable.p95:
        return None
    return f"p95 duration is {canary.p95:.0f} ms, the stable version's {stable.p95:.0f} ms"


def lower_bound(hits: int, tries: int) -> float:
    """Lower end of the Wilson score interval (95 %) of a proportion; 0 without a try.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927).
    """
    if not tries or not hits:
        return 0.0
    share, square = hits / tries, _Z * _Z
    centre = share + square / (2 * tries)
    spread = _Z * math.sqrt(share * (1 - share) / tries + square / (4 * tries * tries))
    return max(0.0, (centre - spread) / (1 + square / tries))
