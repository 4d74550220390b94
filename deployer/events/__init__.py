"""Parses every payload of the controller into one value. No input from outside raises here."""

from collections.abc import Collection

from pydantic import JsonValue

from deployer.commands.command import parse as parse_command
from deployer.events.eventbridge import of_eventbridge
from deployer.events.incoming import AlarmChanged, Drops, ExecutionFailed, Ignored, Incoming, PruneDue, Refused
from deployer.events.s3 import drop_of
from deployer.model.drop import Drop
from deployer.model.problem import Problem
from deployer.model.text import shortened
from deployer.settings import Settings

__all__ = ["AlarmChanged", "Drops", "ExecutionFailed", "Ignored", "Incoming", "PruneDue", "Refused", "parse"]


def parse(event: JsonValue, settings: Settings, applications: Collection[str]) -> Incoming:
    """Return the value that an invocation's payload stands for; `applications` may have to ask AWS."""
    if not isinstance(event, dict):
        return _refused("a JSON object", f"{shortened(repr(event))}")
    if "action" in event and "Records" in event:
        return _refused("an event or a command, not both", "both")
    if "action" in event:
        command = parse_command(event, applications)
        return Refused(problems=command) if isinstance(command, tuple) else command
    return _event(event, settings, applications)


def _event(event: dict[str, JsonValue], settings: Settings, applications: Collection[str]) -> Incoming:
    if event.get("Event") == "s3:TestEvent":
        return Ignored(reason="S3's test event: the notification is wired")
    if "Records" in event:
        return _drops(event["Records"], settings, applications)
    if "detail-type" in event:
        return of_eventbridge(event, settings)
    return _refused('an S3 event, an EventBridge event, or a command with an "action"', "none of them")


def _drops(records: JsonValue, settings: Settings, applications: Collection[str]) -> Drops | Refused:
    if not isinstance(records, list) or not records:
        return _refused('a list of S3 records under "Records"', shortened(repr(records)))
    seen = [drop_of(record, settings, applications) for record in records]
    drops = dict.fromkeys(drop for drop in seen if isinstance(drop, Drop))
    return Drops(drops=tuple(drops), ignored=tuple(found for found in seen if isinstance(found, Ignored)))


def _refused(allowed: str, found: str) -> Refused:
    problem = Problem.of("payload", found, allowed, "events/ has an example of each")
    return Refused(problems=(problem,))
