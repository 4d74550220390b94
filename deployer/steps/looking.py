"""The step that looks at a version in use: what it did, what the alarms say, and what follows from that."""

from datetime import datetime

from deployer.decisions import health, logged_error, precedence
from deployer.deployer import Deployer
from deployer.model.health import Durations, Health, Sample, Traffic, Unread
from deployer.model.release import Release, required


def look(deployer: Deployer, release: Release) -> Release:
    """Read the alias and the metrics once: whether the release still has its share, and whether it is well."""
    function, version = deployer.function(release), required(release.version)
    alias = deployer.aws.functions.alias(function)
    if ending := precedence.ended_by_others(alias, release.id, version):
        return release.ended(ending.status, ending.reason)
    sample = _sample(deployer, release, alias.stable)
    thresholds = release.manifest.rollout
    verdict = health.judge(sample, thresholds, release.alarms_before)
    if verdict.health is Health.UNHEALTHY and isinstance(sample.canary, Traffic) and sample.canary.errors:
        sample = sample.model_copy(update={"error": _error(deployer, release)})
        verdict = health.judge(sample, thresholds, release.alarms_before)
    words = str(verdict)
    deployer.change_record(deployer.record_of(release), lambda record: record.with_verdict(words, alias.weight))
    return release.updated(verdict=verdict, weight=alias.weight, paused=alias.paused)


def _sample(deployer: Deployer, release: Release, stable_version: str) -> Sample:
    """Read what both versions did since the stage began, and the alarms."""
    metrics, function = deployer.aws.metrics, deployer.function(release)
    since, until = required(release.shifted_at), deployer.now()
    canary = metrics.traffic(function, required(release.version), since, until)
    stable = metrics.traffic(function, stable_version, since, until)
    return Sample(
        canary=canary,
        stable=stable,
        alarms=metrics.alarms(release.drop.application, release.manifest.rollout.alarms),
        durations=_durations(deployer, release, stable_version, until, canary, stable),
    )


def _durations(
    deployer: Deployer,
    release: Release,
    stable_version: str,
    until: datetime,
    canary: Traffic | Unread,
    stable: Traffic | Unread,
) -> Durations | Unread | None:
    """Read how long calls took, if there are enough of them for a verdict on that."""
    if isinstance(canary, Unread) or isinstance(stable, Unread):
        return None
    slow = health.too_many_slow(canary, stable, release.manifest.rollout)
    if slow is None:
        return None
    metrics, function, since = deployer.aws.metrics, deployer.function(release), required(release.shifted_at)
    within = 100 * (1 - slow / canary.invocations)
    slowest = metrics.duration(function, required(release.version), since, until, within)
    usual = metrics.duration(function, stable_version, since, until, 95)
    for answer in (slowest, usual):
        if answer is None or isinstance(answer, Unread):
            return answer
    return Durations(slow=slow, canary=slowest, stable=usual)


def _error(deployer: Deployer, release: Release) -> str:
    """Return what most of the failed calls raised, as their log says, or how to read the log."""
    logs, function = deployer.aws.logs, deployer.function(release)
    since, until = required(release.shifted_at), deployer.now()
    events = logs.events(function, required(release.version), since, until, logged_error.TERMS)
    unnamed = f"no error is named in the log yet: aws logs tail {logs.group(function)} --since 1h"
    return logged_error.most_common(events) or unnamed
