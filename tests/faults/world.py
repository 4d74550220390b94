"""The world around the deployer: drops, people, S3's notifications, the engine, alarms, and who drives again what died.

The real controller and the real rollout run in this process, on the real clients, in virtual time.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from deployer import controller
from deployer.model.alias import ADMINISTRATION
from deployer.model.drop import Drop
from deployer.model.record import Record
from deployer.settings import Settings
from tests.deployment import zipped
from tests.faults import engine
from tests.faults.account import BUNDLES, RELEASES, Account
from tests.faults.engine import Execution
from tests.faults.faults import Killed
from tests.faults.functions import Alias
from tests.faults.wiring import ROLLOUT, context, wiring

TRIES = 3
STRANGER = "a person in the console"
"""Attempts at an asynchronous invocation. Source: Lambda developer guide, asynchronous invocation."""
_START = '[application]\nkind = "command"\ncommand = ["./run"]\n'


def packed(release: str, rollout_table: str = "", more: Mapping[str, str] | None = None) -> bytes:
    """Make a tiny archive: a program, and a manifest."""
    program, manifest = f"#!/bin/sh\n# {release}\ncat\n", f"{_START}{rollout_table}"
    return zipped({"run": program, **(more or {}), "dropshift.toml": manifest}, "run")


@dataclass
class Delivery:
    """An event on its way to the controller."""

    event: dict[str, Any]
    at: datetime
    attempts: int = 0


@dataclass(frozen=True)
class Escaped:
    """An exception that left the controller."""

    event: dict[str, Any]
    error: Exception


@dataclass
class World:
    """An account with applications, and everything that is under way in it."""

    settings: Settings
    applications: tuple[str, ...] = ("orders",)
    account: Account = field(default_factory=Account)
    executions: dict[str, Execution] = field(default_factory=dict)
    inbox: list[Delivery] = field(default_factory=list)
    lost: list[Delivery] = field(default_factory=list)
    """Events that Lambda gave up: they lie in the dead-letter queue."""
    escaped: list[Escaped] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    unanswered: list[dict[str, Any]] = field(default_factory=list)
    """Commands that got no answer, or one that asks for them again: a person does so when all is well."""
    prints: io.StringIO = field(default_factory=io.StringIO)
    """Everything the deployer printed."""

    def __post_init__(self) -> None:
        """Make the applications' functions, as template.yaml does."""
        for name in self.applications:
            self.account.lambda_.create(self.settings.function(name), self.settings.alias)
            self.account.lambda_.commanded.append(name)
        self.account.pass_time(self.account.now + timedelta(minutes=1))
        self.account.lambda_.executions = self.executions

    # --- what people do ----------------------------------------------------------------------------------------------

    def drop(self, release: str, table: str = "", application: str = "", **more: Any) -> Drop:  # noqa: ANN401 - as S3 takes
        """Drop an archive; S3 notifies the controller."""
        name = application or self.applications[0]
        key = f"{name}/{release}.zip"
        body = more.get("body") or packed(release, table, more.get("files"))
        self.account.pass_time(self.account.now + timedelta(seconds=1))
        s3 = self.account.s3
        s3.actor = "publisher"
        put = s3.put_object(RELEASES, key, body, Metadata=more.get("metadata", {}))
        drop = Drop(
            bucket=RELEASES, key=key, version_id=put["VersionId"], sequencer=f"{self.account.clock.number():018X}"
        )
        self.drops.append(drop)
        self.notify(drop)
        return drop

    def released(self, name: str, table: str = "", application: str = "", **more: Any) -> Record:  # noqa: ANN401 - as above
        """Drop an archive and let everything happen; return its record."""
        drop = self.drop(name, table, application, **more)
        self.run()
        return self.recorded(drop)

    def release(self, name: str, manifest: str = "") -> dict[str, Any]:
        """Drop an archive and let everything happen; return its record's status."""
        return {"status": self.released(name, manifest).status}

    def notify(self, drop: Drop) -> None:
        """Have S3 notify the controller of a drop, for the first time or again."""
        found = {"key": quote_plus(drop.key), "versionId": drop.version_id, "sequencer": drop.sequencer}
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": drop.bucket}, "object": found},
        }
        self.deliver({"Records": [record]})

    def deliver(self, event: dict[str, Any]) -> None:
        """Put an event on its way to the controller."""
        self.inbox.append(Delivery(event, self.account.now))

    def command(self, action: str, **fields: object) -> Any:  # noqa: ANN401 - JSON
        """Send a command to the controller, up to three times when there is no answer."""
        event = {"action": action, "application": self.applications[0], **fields}
        for _ in range(TRIES):
            if self._invoke(event):
                if _is_to_be_said_again(self.answers[-1]):
                    self.unanswered.append(event)
                return self.answers[-1]
        self.unanswered.append(event)
        return None

    def alarm(self, name: str, state: str) -> None:
        """Change an alarm's state; EventBridge sends the controller the event."""
        self.account.cloudwatch.states[name] = state
        detail = {"alarmName": name, "state": {"value": state}}
        kind = "CloudWatch Alarm State Change"
        self.deliver({"source": "aws.cloudwatch", "detail-type": kind, "detail": detail})

    def foreign(self, **change: Any) -> None:  # noqa: ANN401 - as UpdateAlias takes
        """Move the alias as the console and CloudFormation do: without a RevisionId."""
        self.account.lambda_.actor = STRANGER
        function = self.settings.function(self.applications[0])
        self.account.lambda_.update_alias(function, self.settings.alias, **change)

    # --- what happens ------------------------------------------------------------------------------------------------

    def run(self, until: Callable[[], bool] = lambda: False, turns: int = 5_000) -> None:
        """Let everything that is due happen, in order, until nothing is left or a condition holds."""
        for _ in range(turns):
            if until() or not self.happen():
                return
        raise AssertionError("it never ends")

    def happen(self) -> bool:
        """Let the next thing happen; False when nothing is left."""
        delivery = min(self.inbox, key=lambda one: one.at, default=None)
        asleep = [one for one in self.executions.values() if one.status == "RUNNING"]
        execution = min(asleep, key=lambda one: one.wake, default=None)
        if delivery and not (execution and execution.wake < delivery.at):
            self.account.pass_time(delivery.at)
            self.receive(delivery)
        elif execution:
            self.account.pass_time(execution.wake)
            self.resume(execution)
        return bool(delivery or execution)

    def receive(self, delivery: Delivery) -> None:
        """Hand an event to the controller; Lambda tries three times in all."""
        self.inbox.remove(delivery)
        delivery.attempts += 1
        if self._invoke(delivery.event):
            return
        delivery.at = self.account.now + timedelta(minutes=delivery.attempts)
        (self.inbox if delivery.attempts < TRIES else self.lost).append(delivery)

    def _invoke(self, event: dict[str, Any]) -> bool:
        self.account.begin("controller")
        try:
            self.answers.append(controller.handler(event, context(_alias(event))))
        except Killed:
            return False
        except Exception as error:  # noqa: BLE001 - what leaves the controller is judged by the invariants
            self.escaped.append(Escaped(event, error))
            return False
        finally:
            self._renew()
            self._begin_ordered()
        return True

    def _begin_ordered(self) -> None:
        """Begin the executions that were asked for."""
        for name, payload in self.account.lambda_.orders.items():
            if name not in self.executions:
                self.executions[name] = Execution(name, payload, self.account.now)

    def resume(self, execution: Execution) -> None:
        """Run an execution in the engine until it sleeps or ends; send the controller the event of one that failed."""
        engine.invoke(self.account, execution)
        self._renew()
        if execution.status in ("FAILED", "TIMED_OUT"):
            self.deliver(stopped(execution))

    def stop(self, execution: Execution) -> None:
        """Stop an execution, as StopDurableExecution does: nothing of it runs any more."""
        execution.status = "STOPPED"
        self.deliver(stopped(execution))

    def _renew(self) -> None:
        """The next invocation may be another process: retries are counted from the start."""
        if self.account.dead:
            wiring(self.settings).renew()

    def drive_again(self) -> None:
        """Mend what is broken, and do what AWS and people do then.

        Commands that got no answer are sent again, dead letters are read again, and every drop comes twice more.
        """
        self.account.mend()
        self.run()
        unanswered, self.unanswered = self.unanswered, []
        for command in unanswered:
            self.command(**command)
        for letter in self.lost:
            self.deliver(letter.event)
        self.lost = []
        for _ in range(2):
            for drop in self.drops:
                self.notify(drop)
            self.run()

    def state(self) -> list[object]:
        """Return all that the next events and the invariants depend on: not how often a call was tried."""
        account = self.account
        parts = (account.s3, account.lambda_, account.cloudwatch, account.events)
        services = [{name: value for name, value in vars(part).items() if name[0] != "_"} for part in parts]
        calls = [(call.actor, call.operation) for call in account.calls]
        mine = {name: value for name, value in vars(self).items() if name not in ("account", "prints")}
        return [account.clock, account.dead, account.process, calls, services, mine]

    # --- what is seen ------------------------------------------------------------------------------------------------

    def alias(self, application: str = "") -> Alias:
        """Return the alias as it stands."""
        name = self.settings.function(application or self.applications[0])
        return self.account.lambda_.functions[name].aliases[self.settings.alias]

    @property
    def shares(self) -> dict[str, int]:
        """Percent of the traffic by version."""
        return self.alias().traffic

    def shifting(self) -> bool:
        """Return whether the alias is split."""
        return bool(self.alias().weights)

    def recorded(self, drop: Drop | None = None) -> Record:
        """Return the record that a release has, by default the one dropped last."""
        record = self.record(drop or self.drops[-1])
        assert record, "the release has no record"
        return record

    def record(self, drop: Drop) -> Record | None:
        """Return the record of a release; None if it has none."""
        versions = self.account.s3.buckets[BUNDLES].objects.get(f"records/{drop.application}/{drop.release_id}.json")
        return Record.model_validate_json(versions[-1].body) if versions and not versions[-1].marker else None


def _alias(event: Mapping[str, Any]) -> str:
    """Return the alias of the controller through which a person sends a command; events come without one."""
    if "action" not in event:
        return ""
    irreversible = event["action"] == "prune" or (event["action"] == "redeploy" and event.get("force"))
    return ADMINISTRATION if irreversible or not event.get("application") else str(event["application"])


def _is_to_be_said_again(answer: Mapping[str, Any]) -> bool:
    """Return whether an answer asks for the command again, once the cause of AWS's refusal is removed."""
    return "warning" in answer or str(answer["answer"]).startswith("AWS refused")


def stopped(execution: Execution) -> dict[str, Any]:
    """Return EventBridge's event of an execution that ended without an answer."""
    detail = {
        "durableExecutionArn": execution.arn,
        "durableExecutionName": execution.name,
        "functionArn": ROLLOUT,
        "status": execution.status,
    }
    return {"source": "aws.lambda", "detail-type": "Durable Execution Status Change", "detail": detail}
