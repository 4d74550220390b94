"""Commands about earlier drops that move no traffic themselves: validate an archive, release one again."""

from deployer.admission import admit
from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import Application
from deployer.commands.command import Redeploy, Validate
from deployer.model.drop import Drop, misplaced
from deployer.model.record import Record
from deployer.model.status import Ending
from deployer.model.text import shortened

RECORDS_SEARCHED = 100
"""Records that are searched for a release's name, newest first."""
_SECRETIVE = {"manifest": {"smoke"}}
"""Fields of an inspection that no answer repeats: the smoke test's values are for the application alone."""


def validate(app: Application, command: Validate) -> Answer:
    """Inspect a dropped archive as the rollout would, and change nothing."""
    deployer, key = app.deployer, command.key
    if problem := misplaced(key, frozenset({app.name})):
        return answers.refused([problem])
    drop = deployer.aws.releases.latest(key)
    found = admit(deployer, drop) if drop else None
    if drop is None or found is None:
        return answers.refusal("key", "no such object", "an object in the releases bucket", "drop it first")
    if isinstance(found, Ending):
        return {**answers.refused(found.problems), "answer": f"{drop.label} would be rejected"}
    inspection = found.inspection
    plan = ", ".join(str(stage) for stage in inspection.manifest.rollout.plan()) or "all at once"
    shown = inspection.model_dump(mode="json", by_alias=True, exclude=_SECRETIVE)
    return answers.done(f"{drop.label} would be accepted", plan=plan, **shown)


def redeploy(app: Application, command: Redeploy) -> Answer:
    """Roll an earlier drop out again, through every step, as a new release of the same object version."""
    earlier = _earlier(app, command.release)
    if earlier is None:
        return answers.refusal("release", f'"{command.release}"', "a release name or release id", "see history")
    drop = _next_attempt(app, earlier, force=command.force)
    if refusal := _already(app, earlier) or _needs_force(app, earlier, force=command.force):
        return refusal
    if command.dry_run:
        return answers.done(f"roll out {drop.label} again", dry_run=True, id=drop.release_id)
    deployer = app.deployer
    why = f" ({command.reason})" if command.reason else ""
    deployer.begin_record(drop, f"received: redeploy by command{why}")
    if not deployer.aws.executions.start(drop):
        force = "without" if command.force else "with"
        found = f'{drop.label}, which is being rolled out again {force} "force"'
        return answers.refusal("release", found, "a release that has ended", "abort it, then redeploy")
    return answers.done(f"rolling out {drop.label} again", id=drop.release_id)


def _already(app: Application, earlier: Record) -> Answer | None:
    """Refuse an archive that is live under the same key, which the rollout would end as a duplicate."""
    live = app.record_of(app.alias().stable)
    if live is None or (live.key, live.archive_sha256) != (earlier.key, earlier.archive_sha256):
        return None
    return answers.nothing_to_do(f"{answers.titled(live.release, live.version)} is live with this archive")


def _needs_force(app: Application, earlier: Record, *, force: bool) -> Answer | None:
    """Refuse an archive that was rolled back, which the rollout would reject."""
    digest = earlier.archive_sha256
    if force or not digest or not app.deployer.aws.bundles.rolled_back_as(app.name, digest):
        return None
    why = f" ({earlier.rolled_back.reason})" if earlier.rolled_back else ""
    found = f"{answers.titled(earlier.release, earlier.version)}, whose archive was rolled back{why}"
    return answers.refusal("release", found, "an archive that was not rolled back", 'add "force": true')


def _earlier(app: Application, name: str) -> Record | None:
    records, label = app.deployer.aws.records.newest(app.name, RECORDS_SEARCHED), shortened(name)
    known = [record for record in records if record.key]
    fits = [record for record in known if label in (record.release, record.release_id, record.version)]
    return max(fits, key=lambda record: record.timeline[0].at, default=None)


def _next_attempt(app: Application, earlier: Record, *, force: bool) -> Drop:
    """Return the first attempt that has not ended, so that a repeated command starts the same one."""
    bucket = app.deployer.settings.releases_bucket
    drop = Drop(bucket=bucket, key=earlier.key, version_id=earlier.version_id, attempt=1, force=force)
    while (known := app.record(drop.release_id)) and known.status.final:
        drop = drop.model_copy(update={"attempt": drop.attempt + 1})
    return drop
