"""Steps that move traffic: plan, shift, promote, roll back, finish."""

from deployer.decisions import precedence
from deployer.deployer import Deployer
from deployer.model.alias import Alias, Move
from deployer.model.drop import VersionDescription
from deployer.model.release import Release, required
from deployer.model.stages import Stage
from deployer.model.status import Ending, Status
from deployer.model.text import shortened


def plan_stages(deployer: Deployer, release: Release) -> Release:
    """Decide whether the release may take traffic now, and by which stages; a first release gets all at once."""
    deployer.aws.records.change_overview(release.drop.application, lambda one: one.without_turn(release.id))
    functions, function = deployer.aws.functions, deployer.function(release)
    alias = functions.alias(function)
    descriptions = _descriptions(deployer, function, alias)
    if ending := precedence.refusal_to_start(alias, release.description, descriptions):
        return release.ended(ending.status, ending.reason)
    stages = release.manifest.rollout.plan() if descriptions[alias.stable] else ()
    plan = ", ".join(str(stage) for stage in stages) or "all at once"
    weights, bakes = tuple(stage.weight for stage in stages), tuple(stage.bake for stage in stages)
    if ending := deployer.record_progress(release, f"plan: {plan}", stages=weights, bakes=bakes):
        return release.ended(ending.status, ending.reason)
    return release.updated(stages=stages)


def _descriptions(deployer: Deployer, function: str, alias: Alias) -> dict[str, VersionDescription | None]:
    versions = [version for version in (alias.stable, alias.canary) if version]
    published = {version: deployer.aws.functions.published(function, version) for version in versions}
    return {version: found.description if found else None for version, found in published.items()}


def _stopped(deployer: Deployer, release: Release, alias: Alias) -> Ending | None:
    """Return why a release may have no more traffic than it has; None when it may.

    Others may have moved the alias since the last step: A begins.  B, dropped later, takes its first share.  A must not
    take it from B.  Or: A begins.  Abort ends A in the alias's description, and then in A's record.  B takes its
    share, and its description replaces that one.  The record, read after the alias, still has A's end.
    """
    version = required(release.version)
    if release.weight or alias.stable == version:
        return precedence.ended_by_others(alias, release.id, version)
    descriptions = _descriptions(deployer, deployer.function(release), alias)
    return deployer.recorded_ending(release) or precedence.refusal_to_start(alias, release.description, descriptions)


def shift(deployer: Deployer, release: Release, stage: Stage) -> Release:
    """Shift a stage's share of the traffic to the version, unless a command already shifted more."""
    version = required(release.version)
    words = f"shift {stage.weight} % of the traffic to version {version}"
    at = deployer.now()
    if ending := deployer.record_progress(release, words, status=Status.SHIFTING, weight=stage.weight, staged_at=at):
        return _remove_canary_and_end(deployer, release, ending.status, ending.reason)

    def decide(alias: Alias) -> Alias | Ending:
        if alias.canary == version and alias.managed:
            return alias if alias.weight >= stage.weight else alias.shift(release.id, version, stage.weight)
        return _stopped(deployer, release, alias) or alias.shift(release.id, version, stage.weight)

    after = deployer.change_alias(release.drop.application, decide)
    if isinstance(after, Ending):
        return release.ended(after.status, after.reason)
    return release.updated(weight=after.weight, shifted_at=deployer.now(), verdict=None)


def promote(deployer: Deployer, release: Release) -> Release:
    """Shift all traffic to the version, and record the one that had it for a rollback."""
    version = required(release.version)
    if ending := deployer.record_progress(release, f"promote version {version}"):
        return _remove_canary_and_end(deployer, release, ending.status, ending.reason)

    def decide(alias: Alias) -> Alias | Ending:
        if alias.stable == version and alias.managed:
            return alias
        return _stopped(deployer, release, alias) or alias.promote(release.id, version)

    after = deployer.change_alias(release.drop.application, decide)
    if isinstance(after, Ending):
        return release.ended(after.status, after.reason)
    return release.ended(Status.LIVE, f"version {version} has all traffic")


def roll_back(deployer: Deployer, release: Release, reason: str) -> Release:
    """Take the version's traffic away, because it is not healthy."""
    return _remove_canary_and_end(deployer, release, Status.ROLLED_BACK, reason)


def fail(deployer: Deployer, release: Release, reason: str) -> Release:
    """Take away any traffic of the version, after an unexpected error."""
    return _remove_canary_and_end(deployer, release, Status.FAILED, reason)


def _remove_canary_and_end(deployer: Deployer, release: Release, status: Status, reason: str) -> Release:
    version = release.version

    def decide(alias: Alias) -> Alias | Ending:
        if version and alias.canary == version and alias.managed:
            return alias.remove_canary(release.id, Move.ROLL_BACK)
        if not version or (not release.weight and alias.stable != version):
            return Ending(status=status, reason=reason)
        if (
            alias.managed
            and alias.recorded
            and (alias.recorded.move, alias.recorded.release) == (Move.ROLL_BACK, release.id)
        ):
            return alias
        return precedence.ended_by_others(alias, release.id, version) or alias

    after = deployer.change_alias(release.drop.application, decide)
    deployer.record_progress(release, f"take the traffic away: {shortened(reason, 200)}")
    ending = after if isinstance(after, Ending) else Ending(status=status, reason=reason)
    return release.ended(ending.status, ending.reason)


def finish(deployer: Deployer, release: Release) -> Release:
    """Write the ending into the record, where the first one stays, and end unused provisioned concurrency.

    Marks the archive as rolled back first, because the command that rolled it back may have died before it could.
    """
    ending = required(release.ending)
    record = deployer.record_of(release)
    if ending.status is Status.ROLLED_BACK and not deployer.recorded_ending(release):
        deployer.mark_rolled_back(record)
    at = deployer.now()
    written = deployer.change_record(record, lambda one: one.ended(at, ending))
    _give_back_concurrency(deployer, release, written.status)
    return release.ended(written.status, written.reason, written.problems)


def _give_back_concurrency(deployer: Deployer, release: Release, status: Status) -> None:
    """End the provisioned concurrency of the version without traffic: the older one, or this one."""
    application, version, alias = release.drop.application, release.version, None
    if status is Status.LIVE:
        alias = deployer.aws.functions.alias(deployer.function(release))
        version = alias.previous
    elif not release.manifest.resources.provisioned_concurrency:
        return
    warning = deployer.unprovision(application, version, alias) if version else None
    if warning:
        deployer.record_progress(release, warning)
