"""The controller: receives drops, commands, alarms and the ends of executions.

Every permanent error is an answer. An exception that leaves the handler is transient, and Lambda retries. An event
that AWS refuses to let us handle is raised, too: no caller waits for its answer, and a dead letter is not lost.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from deployer import events, telemetry
from deployer.aws import aws
from deployer.aws.errors import EventNotHandledError, RefusedError, refusals
from deployer.commands import answers, dispatch, status
from deployer.commands.answers import Answer
from deployer.commands.application import Application
from deployer.commands.command import Command, Prune, ShowStatus
from deployer.commands.dead_rollout import close_rollout
from deployer.commands.old_records import forget
from deployer.commands.prune import prune
from deployer.commands.read_state import read_summary
from deployer.commands.removal import roll_back_on_alarm
from deployer.commands.sender import Sender
from deployer.deployer import Deployer
from deployer.model.drop import Drop
from deployer.model.overview import UNKNOWN, IgnoredDrop
from deployer.model.status import Status
from deployer.settings import settings

AT_ONCE = 10
"""Applications that are read at the same time, as many as a client has connections."""
PRUNE_EVERY = timedelta(minutes=10)
"""As template.yaml has it."""
MOST_PRUNED = 250
"""Versions that are deleted at once: 250 of the account's 9,000 calls in ten minutes; and as many records."""

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@telemetry.logger.inject_lambda_context
@telemetry.tracer.capture_lambda_handler(capture_response=False)
def handler(event: Any, context: "LambdaContext") -> Answer:  # noqa: ANN401 - any payload
    """Answer one invocation."""
    sender = Sender.of(context)
    deployer = Deployer(aws(), settings(), lambda: datetime.now(UTC), by=sender.name)
    try:
        with refusals():
            incoming = events.parse(sender.completed(event), deployer.settings, deployer.aws.applications)
            return answer(deployer, _admitted(sender, incoming))
    except RefusedError as error:
        return _on_refusal(event, error)


def _admitted(sender: Sender, incoming: events.Incoming) -> events.Incoming:
    """Return the parsed payload if it may come by the way that it took, else a refusal."""
    match incoming:
        case events.Refused():
            return incoming
        case events.Drops() | events.Ignored() | events.AlarmChanged() | events.ExecutionFailed() | events.PruneDue():
            problem = sender.objection(None)
        case _:
            problem = sender.objection(incoming)
    return events.Refused(problems=(problem,)) if problem else incoming


def _on_refusal(event: Any, error: RefusedError) -> Answer:  # noqa: ANN401 - as above
    """Answer a command; keep an event, whose sender does not wait, as a dead letter."""
    telemetry.warn("aws.refused", reason=str(error))
    if "action" not in event:
        raise EventNotHandledError(str(error)) from error
    remedy = "allow the call, or correct the resource that it names, then send the command again"
    refused = answers.refusal("AWS", str(error), "the call to succeed", remedy)
    return {**refused, "answer": "AWS refused a call; status shows what was done before it"}


def answer(deployer: Deployer, incoming: events.Incoming) -> Answer:  # noqa: PLR0911 - one line a kind
    """Handle a parsed payload; return the answer."""
    match incoming:
        case events.Drops():
            return _on_drops(deployer, incoming)
        case events.Ignored():
            return _ignore(deployer, incoming)
        case events.Refused():
            telemetry.warn("request.refused", problems=[str(problem) for problem in incoming.problems])
            return answers.refused(incoming.problems)
        case events.AlarmChanged():
            return _on_alarm(deployer, incoming)
        case events.PruneDue():
            return _prune(deployer, incoming)
        case events.ExecutionFailed():
            return _on_dead_rollout(deployer, incoming)
        case _:
            return _on_command(deployer, incoming)


def _on_drops(deployer: Deployer, arrived: events.Drops) -> Answer:
    for ignored in arrived.ignored:
        _ignore(deployer, ignored)
    started = [_start(deployer, drop) for drop in arrived.drops]
    words = f"started {len(started)} release{'s' * (len(started) != 1)}"
    return {"answer": words, "releases": started, "ignored": [one.reason for one in arrived.ignored]}


def _start(deployer: Deployer, drop: Drop) -> Answer:
    """Begin the record, then the rollout: a record without a rollout is begun again by S3's next try.

    A record that was deleted after the rollout's end is ended again with the execution's result.
    """
    known = deployer.aws.records.read(drop.application, drop.release_id)
    record = known or deployer.begin_record(drop)
    if record.status.final:
        telemetry.info(
            "drop.already_ended", application=drop.application, release=drop.label, status=record.status.value
        )
        return {"release": drop.label, "id": drop.release_id, "status": record.status.value}
    arn, new = deployer.aws.executions.start(drop), known is None
    telemetry.info("drop.received", application=drop.application, release=drop.label, id=drop.release_id, new=new)
    telemetry.count("DropReceived", application=drop.application)
    execution = deployer.aws.executions.find(arn) if arn and record.status is Status.RECEIVED else None
    if execution and (execution.died or execution.ending):
        record = close_rollout(Application(deployer, drop.application), drop, execution) or record
    return {"release": drop.label, "id": drop.release_id, "status": record.status.value}


def _ignore(deployer: Deployer, ignored: events.Ignored) -> Answer:
    if ignored.key:
        drop = IgnoredDrop(at=deployer.now(), key=ignored.key, reason=ignored.reason)
        deployer.aws.records.change_overview(ignored.application or UNKNOWN, lambda one: one.with_ignored(drop))
    if ignored.needs_attention:
        telemetry.warn("event.ignored", reason=ignored.reason)
        telemetry.count("EventIgnored")
    else:
        telemetry.info("event.ignored", reason=ignored.reason)
    return {"answer": "ignored", "reason": ignored.reason}


def _on_alarm(deployer: Deployer, alarm: events.AlarmChanged) -> Answer:
    """Roll back at once the release that an alarm is about, before the rollout's next check."""
    application = deployer.aws.applications.watched_by(alarm.name) if alarm.state == "ALARM" else None
    if application is None:
        return _ignore(
            deployer,
            events.Ignored(reason=f"alarm {alarm.name} is {alarm.state}: it watches no release here"),
        )
    done = roll_back_on_alarm(Application(deployer, application), alarm.name)
    telemetry.info("alarm.received", alarm=alarm.name, application=application, answer=done["answer"])
    return done


def _prune(deployer: Deployer, due: events.PruneDue) -> Answer:
    """Prune one application, another each time: a few calls at a time, so that commands and rollouts have the rest."""
    keep, names = deployer.settings.keep_releases, sorted(deployer.aws.applications)
    turn = int(due.at.timestamp() // PRUNE_EVERY.total_seconds())
    name = names[turn % len(names)] if names else ""
    if name not in deployer.aws.applications:
        return answers.nothing_to_do("no application to prune")
    app, command = Application(deployer, name), Prune(action="prune", application=name, keep=keep or 1)
    done = prune(app, command, most=MOST_PRUNED) if keep else answers.nothing_to_do("all releases are kept")
    forgotten = forget(app, most=MOST_PRUNED)
    telemetry.info("prune.done", application=name, answer=done["answer"], records=forgotten)
    return {**done, "records": forgotten}


def _on_dead_rollout(deployer: Deployer, failed: events.ExecutionFailed) -> Answer:
    """End the release of a dead rollout and restore its alias, if Lambda confirms that it is dead."""
    execution = deployer.aws.executions.find(failed.arn)
    if execution is None:
        raise EventNotHandledError(f"Lambda has no execution {failed.arn}")
    if not execution.died:
        return _ignore(deployer, events.Ignored(reason=f"{failed.arn} is {execution.status}", needs_attention=True))
    drop = execution.drop
    is_here = drop is not None and drop.application in deployer.aws.applications
    if drop and not is_here and deployer.aws.records.read(drop.application, drop.release_id):
        raise EventNotHandledError(f"{failed.arn} died, and the function of {drop.application} is not there")
    if drop is None or not is_here:
        return _ignore(
            deployer, events.Ignored(reason=f"{failed.arn} is not a rollout of this deployer", needs_attention=True)
        )
    ended = close_rollout(Application(deployer, drop.application), drop, execution)
    if ended is None:
        return answers.nothing_to_do(f"{drop.label} has ended already")
    telemetry.warn("rollout.died", application=ended.application, release=ended.release, status=ended.status.value)
    telemetry.count("RolloutDied", application=ended.application)
    return answers.done(f"{ended.release} ended {ended.status}: {ended.reason}")


def _on_command(deployer: Deployer, command: Command) -> Answer:
    asked = command.model_dump(exclude={"action"}, exclude_defaults=True)
    telemetry.info("command.received", action=command.action, by=deployer.by, **asked)
    if isinstance(command, ShowStatus) and command.application is None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            names = deployer.aws.applications.with_undropped()
            found = pool.map(lambda name: read_summary(Application(deployer, name)), names)
        each = [status.summary(one, deployer.now()) for one in found if one]
        return status.statuses(each, deployer.aws.records.overview(UNKNOWN).ignored, deployer.now())
    done = dispatch.dispatch(Application(deployer, str(command.application)), command)
    telemetry.info("command.answered", action=command.action, application=command.application, answer=done["answer"])
    telemetry.count("CommandAnswered", action=command.action)
    return done
