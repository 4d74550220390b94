"""The steps of a rollout. Each may be repeated at any time: it looks at the world first, and does what is missing.

A step takes the release as the steps before it left it, and returns it with what it found. An expected failure is an
ending in the returned release; an exception is unexpected, and the step is tried again.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bootstrap.pointer import Pointer
from deployer import archive, bundle, inspection, judge, standing
from deployer.alias import Alias, Move
from deployer.aws import Aws
from deployer.aws.functions import Latest
from deployer.drop import Age, shortened
from deployer.record import Record
from deployer.release import Archive, Bundle, Ending, Release, Status, known
from deployer.settings import Settings
from deployer.smoke import default_event, failure
from deployer.strategy import Stage
from deployer.values import Problem

_TRIES = 3


@dataclass(frozen=True)
class Deployer:
    """What a step works with."""

    aws: Aws
    told: Settings
    now: Callable[[], datetime]

    def function(self, release: Release) -> str:
        """Name of the function that the release is for."""
        return self.told.function(release.drop.application)

    def note(self, release: Release, what: str, **found: object) -> Ending | None:
        """Write a moment into the release's record, before its effect; return the end if somebody ended it since."""
        drop, at = release.drop, self.now()
        record = self.aws.records.change(drop.application, release.id, lambda record: record.noted(at, what, **found))
        return Ending(status=record.status, reason=record.reason) if record.status.final else None

    def settle(self, function: str, decide: Callable[[Alias], Alias | Ending]) -> Alias | Ending:
        """Read the alias, decide, and move it; decide anew when somebody moved it in between.

        Raises RuntimeError when others move it faster than we read, so that the step is tried again later.
        """
        for _ in range(_TRIES):
            alias = self.aws.functions.alias(function)
            wanted = decide(alias)
            if isinstance(wanted, Ending):
                return wanted
            after = self.aws.functions.move(function, alias, wanted)
            if after.same_as(wanted):
                return after
        raise RuntimeError(f"the alias of {function} was moved by others {_TRIES} times while it was written")


def inspect(deployer: Deployer, release: Release) -> Release:
    """Look at what was dropped: whether it is all there, well-formed, and will run in its function."""
    drop, aws = release.drop, deployer.aws
    record = aws.records.begin(Record.received(drop, deployer.now()))
    if record.status.final:
        return release.ended(record.status, record.reason)
    head = aws.objects.head(drop)
    if head is None:
        return release.ended(Status.REJECTED, f"the object version is not there any more: {shortened(drop.key)}")
    facts = aws.functions.facts(deployer.function(release))
    limits = archive.Limits(unpacked=deployer.told.unpacked_limit)
    found = inspection.inspect(aws.objects.archive(drop, head.size), limits, facts)
    if isinstance(found, archive.Refusal):
        return release.ended(Status.REJECTED, _summary(found.problems), found.problems)
    seen = Archive(sha256=found.sha256, size=found.size, unpacked=found.unpacked, files=found.files)
    release = release.with_(
        age=Age.of(drop, head.modified),
        force=release.force or head.force,
        archive=seen,
        manifest=found.manifest,
        start=found.start,
        function=facts,
        warnings=found.warnings,
        red_before=_red(deployer, release),
    )
    deployer.note(
        release,
        f"inspected: {seen.files} files, {seen.unpacked / 1e6:.1f} MB unpacked",
        status=Status.INSPECTED,
        archive_sha256=seen.sha256,
        warnings=found.warnings,
    )
    return _known_before(deployer, release) or release


def _summary(problems: tuple[Problem, ...]) -> str:
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}"


def _red(deployer: Deployer, release: Release) -> frozenset[str]:
    alarms = deployer.aws.metrics.alarms(deployer.function(release), release.manifest.rollout.alarms)
    return frozenset(alarm.name for alarm in alarms if alarm.state == "ALARM")


def _known_before(deployer: Deployer, release: Release) -> Release | None:
    """End a release whose bytes were rolled back before, or that is live already under this very key."""
    drop, digest = release.drop, known(release.archive).sha256
    earlier = deployer.aws.objects.rolled_back_as(drop.application, digest)
    if earlier and earlier != release.id and not release.force:
        reason = f"these bytes were rolled back as release {earlier}; force releases them all the same"
        return release.ended(Status.REJECTED, reason)
    function = deployer.function(release)
    stable = deployer.aws.functions.imprint(function, deployer.aws.functions.alias(function).stable)
    live = stable and deployer.aws.records.read(drop.application, stable.age.release_id)
    if live and live.release_id != release.id and (live.key, live.archive_sha256) == (drop.key, digest):
        return release.ended(Status.DUPLICATE, f"these bytes are live under this name as release {live.release_id}")
    return None


def make_bundle(deployer: Deployer, release: Release) -> Release:
    """Make the bundle that the bootstrap loads, unless the same archive was bundled before."""
    function, digest = known(release.function), known(release.archive).sha256
    key = f"bundles/{release.drop.application}/{digest}-{function.runtime}.tar.zst"
    made = deployer.aws.objects.bundle(key) or _build(deployer, release, key)
    deployer.note(release, f"bundled: {made.size / 1e6:.1f} MB", status=Status.BUNDLED)
    return release.with_(bundle=made)


def _build(deployer: Deployer, release: Release, key: str) -> Bundle:
    seen, objects = known(release.archive), deployer.aws.objects
    with tempfile.TemporaryDirectory(prefix="dropshift-") as folder:
        tree = Path(folder)
        limits = archive.Limits(unpacked=deployer.told.unpacked_limit)
        contents = archive.unpack(objects.archive(release.drop, seen.size), tree, limits)
        if isinstance(contents, archive.Refusal) or contents.sha256 != seen.sha256:
            raise RuntimeError("the archive is not the one that was inspected")
        with objects.upload(key) as upload:
            built = bundle.build(tree, contents.entries, upload.write, _plan(deployer, release))
    made = Bundle(
        key=key,
        version_id=upload.version_id,
        size=built.size,
        offset=built.offset,
        index_size=built.index_size,
        index_sha256=built.index_sha256,
        unpacked=built.unpacked,
    )
    objects.describe(made)
    return made


def _plan(deployer: Deployer, release: Release) -> bundle.Plan:
    runtime, start = known(release.function).runtime, known(release.start)
    python = tuple(int(part) for part in runtime.removeprefix("python").split(".")) if start.kind == "python" else ()
    return bundle.Plan(
        python=(python[0], python[1]) if python else None,
        handler=start.handler,
        budget=timedelta(seconds=deployer.told.bundle_seconds),
        threads=os.cpu_count() or 1,
    )


def publish(deployer: Deployer, release: Release) -> Release:
    """Point `$LATEST` at the bundle, or publish it when it does already. Repeat until the release has a version.

    `$LATEST` is shared staging: whatever we believed of it may be gone a moment later, so each write says what it
    believed, and what was published is compared with what was meant.
    """
    functions, function = deployer.aws.functions, deployer.function(release)
    for published in functions.versions(function):
        if published.imprint and published.imprint.age.release_id == release.id:
            return _published(deployer, release, published.version)
    latest = functions.latest(function)
    wanted = _staged(deployer, release, latest)
    if latest.busy:
        return release
    if wanted != latest:
        functions.configure(function, latest, wanted)
        return release
    version = functions.publish(function, latest, release.imprint.encode())
    return _published(deployer, release, version) if version else release


def _published(deployer: Deployer, release: Release, version: str) -> Release:
    deployer.note(release, f"published as version {version}", status=Status.PUBLISHED, version=version)
    return release.with_(version=version)


def _staged(deployer: Deployer, release: Release, latest: Latest) -> Latest:
    resources = release.manifest.resources
    pointer = _pointer(deployer, release)
    changed = {
        "environment": {**latest.environment, "DROPSHIFT_POINTER": pointer.encode()},
        "memory": resources.memory or latest.memory,
        "timeout": resources.timeout or latest.timeout,
        "ephemeral_storage": resources.ephemeral_storage or latest.ephemeral_storage,
    }
    return latest.model_copy(update=changed)


def _pointer(deployer: Deployer, release: Release) -> Pointer:
    made, start = known(release.bundle), known(release.start)
    return Pointer(
        bucket=deployer.told.bundles_bucket,
        key=made.key,
        version=made.version_id,
        offset=made.offset,
        size=made.index_size,
        sha256=made.index_sha256,
        kind=start.kind,
        handler=start.handler,
        command=start.command,
        release=release.drop.label,
        id=release.id,
        owner=deployer.told.account_id,
        unpacked=made.unpacked,
    )


def check_active(deployer: Deployer, release: Release) -> Release:
    """Ask whether the version can be invoked yet; under SnapStart that takes minutes."""
    ready = deployer.aws.functions.readiness(deployer.function(release), known(release.version))
    if ready.state == "Failed":
        return release.ended(Status.FAILED, f"the version never became Active: {ready.reason or 'no reason given'}")
    return release.with_(active=ready.state in ("Active", "Inactive"))


def smoke_test(deployer: Deployer, release: Release) -> Release:
    """Invoke the version once before it has any traffic."""
    smoke = release.manifest.smoke
    event = smoke.event if smoke else default_event(release.drop.label)
    answer = deployer.aws.functions.invoke(deployer.function(release), known(release.version), event)
    if reason := failure(answer, smoke):
        return release.ended(Status.FAILED, f"smoke test: {reason}")
    deployer.note(release, "smoke test passed", status=Status.SMOKE_TESTED)
    return release


def begin(deployer: Deployer, release: Release) -> Release:
    """See whether the release may take traffic now, and by which stages: the first release has nothing to compare."""
    functions, function = deployer.aws.functions, deployer.function(release)
    alias = functions.alias(function)
    imprints = {version: functions.imprint(function, version) for version in (alias.stable, alias.canary) if version}
    if ending := standing.barred(alias, known(release.age), imprints):
        return release.ended(ending.status, ending.reason)
    stages = release.manifest.rollout.plan() if imprints[alias.stable] else ()
    plan = ", ".join(str(stage) for stage in stages) or "all at once"
    if ending := deployer.note(release, f"plan: {plan}", stages=tuple(stage.weight for stage in stages)):
        return release.ended(ending.status, ending.reason)
    return release.with_(stages=stages)


def shift(deployer: Deployer, release: Release, stage: Stage) -> Release:
    """Give the version a stage's share of the traffic, unless a person gave it more already."""
    function, version = deployer.function(release), known(release.version)
    words = f"shift {stage.weight} % of the traffic to version {version}"
    deployer.note(release, words, status=Status.SHIFTING, weight=stage.weight)

    def decide(alias: Alias) -> Alias | Ending:
        if alias.canary == version and alias.ours:
            return alias if alias.weight >= stage.weight else alias.shift(release.id, version, stage.weight)
        if release.weight:
            return standing.taken_away(alias, release.id, version) or alias
        return standing.barred(alias, known(release.age), {}) or alias.shift(release.id, version, stage.weight)

    after = deployer.settle(function, decide)
    if isinstance(after, Ending):
        return release.ended(after.status, after.reason)
    return release.with_(weight=after.weight, shifted_at=deployer.now(), verdict=None)


def look(deployer: Deployer, release: Release) -> Release:
    """Read the alias and the metrics once: whether the release still has its share, and whether it is well."""
    function, version = deployer.function(release), known(release.version)
    alias = deployer.aws.functions.alias(function)
    if ending := standing.taken_away(alias, release.id, version):
        return release.ended(ending.status, ending.reason)
    seen = _seen(deployer, release, alias.stable)
    verdict = judge.judge(seen, release.manifest.rollout, release.red_before)
    deployer.aws.records.change(
        release.drop.application,
        release.id,
        lambda record: record.looked(verdict=str(verdict), weight=alias.weight),
    )
    return release.with_(verdict=verdict, weight=alias.weight, paused=alias.paused)


def _seen(deployer: Deployer, release: Release, stable: str) -> judge.Look:
    function, metrics = deployer.function(release), deployer.aws.metrics
    since, until = known(release.shifted_at), deployer.now()
    return judge.Look(
        canary=metrics.traffic(function, known(release.version), since, until),
        stable=metrics.traffic(function, stable, since, until),
        alarms=metrics.alarms(function, release.manifest.rollout.alarms),
    )


def promote(deployer: Deployer, release: Release) -> Release:
    """Give the version all traffic; the version that had it is remembered for going back."""
    function, version = deployer.function(release), known(release.version)
    deployer.note(release, f"promote version {version}")

    def decide(alias: Alias) -> Alias | Ending:
        if alias.stable == version and not alias.canary and alias.ours:
            return alias
        ended = standing.taken_away(alias, release.id, version) if release.weight else None
        barred = None if release.weight else standing.barred(alias, known(release.age), {})
        return ended or barred or alias.promote(release.id, version)

    after = deployer.settle(function, decide)
    if isinstance(after, Ending):
        return release.ended(after.status, after.reason)
    return release.ended(Status.LIVE, f"version {version} has all traffic")


def roll_back(deployer: Deployer, release: Release, reason: str) -> Release:
    """Take the version's traffic away, and remember that these bytes were rolled back."""
    return _withdraw(deployer, release, Status.ROLLED_BACK, reason)


def give_up(deployer: Deployer, release: Release, reason: str) -> Release:
    """Take away whatever traffic the version may have, after something that was not expected."""
    return _withdraw(deployer, release, Status.FAILED, reason)


def _withdraw(deployer: Deployer, release: Release, status: Status, reason: str) -> Release:
    version = release.version
    deployer.note(release, f"take the traffic away: {shortened(reason, 200)}")

    def decide(alias: Alias) -> Alias | Ending:
        if version and alias.canary == version and alias.ours:
            return alias.withdraw(release.id, Move.ROLL_BACK)
        if not version or (not release.weight and alias.stable != version):
            return Ending(status=status, reason=reason)
        if alias.ours and alias.note and (alias.note.move, alias.note.release) == (Move.ROLL_BACK, release.id):
            return alias
        return standing.taken_away(alias, release.id, version) or alias

    after = deployer.settle(deployer.function(release), decide)
    ending = after if isinstance(after, Ending) else Ending(status=status, reason=reason)
    if ending.status is Status.ROLLED_BACK:
        deployer.aws.objects.mark_rolled_back(release.drop.application, known(release.archive).sha256, release.id)
    return release.ended(ending.status, ending.reason)


def end(deployer: Deployer, release: Release) -> Release:
    """Write the end into the record; the first end that is written stays."""
    drop = release.drop
    deployer.aws.records.begin(Record.received(drop, deployer.now()))
    written = deployer.aws.records.change(
        drop.application, release.id, lambda record: record.ended(deployer.now(), known(release.ending))
    )
    return release.ended(written.status, written.reason, written.problems)
