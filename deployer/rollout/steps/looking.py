"""The step that checks a version in use: it reads metrics, alarms and the log, and asks for a verdict on them."""

from dataclasses import dataclass
from datetime import datetime

from deployer.decisions import health, logged_error, precedence
from deployer.deployer import Deployer
from deployer.model.health import Durations, Health, Sample, Traffic, Unread
from deployer.model.release import Release, required


def look(deployer: Deployer, release: Release) -> Release:
    """Read the alias and the metrics once: does the release still have its share, and is it healthy."""
    function, version = deployer.function(release), required(release.version)
    alias = deployer.aws.functions.alias(function)
    if ending := precedence.ended_by_others(alias, release.id, version):
        return release.ended(ending.status, ending.reason)
    since = required(release.shifted_at).replace(second=0, microsecond=0)  # CloudWatch counts by the minute
    stage = _Stage(deployer, release, alias.stable, since, deployer.now())
    sample, thresholds = stage.sample(), release.manifest.rollout
    verdict = health.judge(sample, thresholds, release.alarms_before)
    if verdict.health is Health.UNHEALTHY and isinstance(sample.canary, Traffic) and sample.canary.errors:
        sample = sample.model_copy(update={"error": stage.error()})
        verdict = health.judge(sample, thresholds, release.alarms_before)
    words = str(verdict)
    deployer.change_record(deployer.record_of(release), lambda record: record.with_verdict(words, alias.weight))
    return release.updated(verdict=verdict, weight=alias.weight, paused=alias.paused)


@dataclass(frozen=True)
class _Stage:
    """CloudWatch's counts of two versions since a stage began."""

    deployer: Deployer
    release: Release
    stable: str
    since: datetime
    until: datetime

    @property
    def _function(self) -> str:
        return self.deployer.function(self.release)

    @property
    def _canary(self) -> str:
        return required(self.release.version)

    def sample(self) -> Sample:
        """Read what both versions did, and the alarms."""
        metrics = self.deployer.aws.metrics
        canary = metrics.traffic(self._function, self._canary, self.since, self.until)
        stable = metrics.traffic(self._function, self.stable, self.since, self.until)
        return Sample(
            canary=canary,
            stable=stable,
            alarms=metrics.alarms(self.release.drop.application, self.release.manifest.rollout.alarms),
            durations=self._durations(canary, stable),
        )

    def _durations(self, canary: Traffic | Unread, stable: Traffic | Unread) -> Durations | Unread | None:
        """Read how long calls took, if there are enough of them for a verdict on that.

        An environment may finish loading within its first call, and a new version has many new environments. Therefore,
        if calls seem too slow, as many of the slowest are left out as environments have loaded the release.
        """
        if isinstance(canary, Unread) or isinstance(stable, Unread):
            return None
        thresholds = self.release.manifest.rollout
        slow = health.too_many_slow(canary, stable, thresholds)
        if slow is None:
            return None
        durations = self._slowest(canary, slow)
        if not isinstance(durations, Durations) or not health.too_slow(durations, thresholds):
            return durations
        loads = self.deployer.aws.logs.loads(self._function, self._canary, self.since, self.until)
        return loads if isinstance(loads, Unread) else self._slowest(canary, slow, left_out=loads)

    def _slowest(self, canary: Traffic, slow: int, left_out: int = 0) -> Durations | Unread | None:
        """Read how long the slowest calls took at least, and 95 % of the stable version's calls at most."""
        percent = 100 * (1 - (slow + left_out) / canary.invocations)
        if percent <= 0:
            return None
        metrics = self.deployer.aws.metrics
        slowest = metrics.duration(self._function, self._canary, self.since, self.until, percent)
        usual = metrics.duration(self._function, self.stable, self.since, self.until, 95)
        for answer in (slowest, usual):
            if answer is None or isinstance(answer, Unread):
                return answer
        return Durations(slow=slow, canary=slowest, stable=usual)

    def error(self) -> str:
        """Return the most common error of the failed calls, from their log, or the command that shows the log."""
        logs = self.deployer.aws.logs
        events = logs.events(self._function, self._canary, self.since, self.until, logged_error.TERMS)
        unnamed = f"no error is named in the log yet: aws logs tail {logs.group(self._function)} --since 1h"
        return logged_error.most_common(events) or unnamed
