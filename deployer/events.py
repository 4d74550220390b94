"""Parses every payload of the controller into one value. No input from outside raises here."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, TypeAdapter, ValidationError

from deployer.commands.command import Command
from deployer.commands.command import parse as parse_command
from deployer.model.drop import SIGNATURE_SUFFIX, Drop, misplaced
from deployer.model.problem import Problem
from deployer.model.text import shortened
from deployer.model.value import Value
from deployer.settings import Settings

_EVENT_MAJOR = "2."
"""The major version of S3's event structure that this module can read; a minor version may add fields.

Source: Amazon S3 user guide, event message structure.
"""
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


_EXECUTION = (
    r"^arn:[a-z0-9-]+:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+:[^/\s]{1,64}"
    r"/durable-execution/[\w-]{1,64}/[\w-]{1,64}$"
)
"""Source: AWS Lambda API reference, Execution, DurableExecutionArn."""


class Ignored(Value):
    """An event that is not for this deployer, or that it cannot handle. Nothing is done."""

    reason: str
    needs_attention: bool = False
    """True if a person should look at it."""
    key: str | None = None
    """The object in the releases bucket that is not a release; `status` shows it."""
    application: str | None = None
    """The application that its key names; None when there is no such application."""


class Drops(Value):
    """An S3 notification: releases to roll out, and records that were ignored."""

    drops: tuple[Drop, ...] = ()
    ignored: tuple[Ignored, ...] = ()


class Refused(Value):
    """An input that asks for something that cannot be done."""

    problems: tuple[Problem, ...]


class AlarmChanged(Value):
    """A CloudWatch alarm changed its state."""

    name: str
    state: str


class ExecutionFailed(Value):
    """An event that a durable execution failed, timed out or was stopped. It may be forged: ask Lambda itself."""

    arn: str


class PruneDue(Value):
    """The schedule's news: it is time to prune one application."""

    at: datetime


Incoming = Drops | Command | Refused | Ignored | AlarmChanged | ExecutionFailed | PruneDue


class _Fields(BaseModel):
    """The fields that we need of an AWS message; the rest is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Object(_Fields):
    key: str
    version_id: Annotated[str | None, Field(alias="versionId")] = None
    sequencer: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{0,40}$")] = ""


class _Bucket(_Fields):
    name: str


class _S3(_Fields):
    bucket: _Bucket
    object: _Object


class _Record(_Fields):
    event_version: Annotated[str, Field(alias="eventVersion")]
    event_source: Annotated[Literal["aws:s3"], Field(alias="eventSource")]
    event_name: Annotated[str, Field(alias="eventName")]
    s3: _S3


class _AlarmState(_Fields):
    value: str


class _AlarmDetail(_Fields):
    alarm_name: Annotated[str, Field(alias="alarmName")]
    state: _AlarmState


class _AlarmEvent(_Fields):
    source: Literal["aws.cloudwatch"]
    detail: _AlarmDetail


class _ExecutionDetail(_Fields):
    arn: Annotated[str, Field(alias="durableExecutionArn", pattern=_EXECUTION)]
    status: Literal["FAILED", "TIMED_OUT", "STOPPED"]


class _ExecutionEvent(_Fields):
    source: Literal["aws.lambda"]
    detail: _ExecutionDetail


class _ScheduledEvent(_Fields):
    source: Literal["aws.events"]
    kind: Annotated[Literal["Scheduled Event"], Field(alias="detail-type")]
    time: datetime


_BRIDGED: TypeAdapter[_AlarmEvent | _ExecutionEvent | _ScheduledEvent] = TypeAdapter(
    Annotated[_AlarmEvent | _ExecutionEvent | _ScheduledEvent, Field(discriminator="source")]
)


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
        return _bridged(event, settings)
    return _refused('an S3 event, an EventBridge event, or a command with an "action"', "none of them")


def _refused(allowed: str, found: str) -> Refused:
    problem = Problem(where="payload", found=found, allowed=allowed, remedy="events/ has an example of each")
    return Refused(problems=(problem,))


def _drops(records: JsonValue, settings: Settings, applications: Collection[str]) -> Drops | Refused:
    if not isinstance(records, list) or not records:
        return _refused('a list of S3 records under "Records"', shortened(repr(records)))
    seen = [_drop_of(record, settings, applications) for record in records]
    drops = dict.fromkeys(drop for drop in seen if isinstance(drop, Drop))
    return Drops(drops=tuple(drops), ignored=tuple(found for found in seen if isinstance(found, Ignored)))


def _drop_of(raw: JsonValue, settings: Settings, applications: Collection[str]) -> Drop | Ignored:
    try:
        record = _Record.model_validate(raw)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in detail["loc"]) for detail in error.errors()})
        reason = f"not a valid S3 event record: check {', '.join(fields) or 'all of it'}"
        return Ignored(reason=reason, needs_attention=True)
    bucket, dropped = record.s3.bucket.name, record.s3.object
    if not record.event_version.startswith(_EVENT_MAJOR):
        return Ignored(
            reason=f"event version {shortened(record.event_version)} is not understood", needs_attention=True
        )
    if bucket != settings.releases_bucket:
        return Ignored(reason=f"bucket {shortened(bucket)} is not ours", needs_attention=True)
    if not record.event_name.startswith("ObjectCreated:"):
        return Ignored(reason=f"{shortened(record.event_name)} creates nothing")
    return _drop(bucket, dropped, applications)


def _drop(bucket: str, dropped: _Object, applications: Collection[str]) -> Drop | Ignored:
    key = _decoded(dropped.key)
    if key is None:
        return Ignored(reason=f"the key {shortened(dropped.key)} is not URL-encoded UTF-8", needs_attention=True)
    if key.endswith(SIGNATURE_SUFFIX):
        return Ignored(reason=f"{shortened(key)} is a signature; the archive it belongs to counts")
    if problem := misplaced(key, applications):
        named = key.partition("/")[0]
        application = named if named in applications else None
        return Ignored(reason=str(problem), needs_attention=True, key=shortened(key), application=application)
    if dropped.version_id in (None, "", "null"):
        reason = f"{shortened(key)} has no version id: was versioning of the bucket suspended?"
        return Ignored(reason=reason, needs_attention=True)
    return Drop(bucket=bucket, key=key, version_id=str(dropped.version_id), sequencer=dropped.sequencer)


def _decoded(key: str) -> str | None:
    """Return the decoded key; None when it is not encoded as S3 does.

    Source: Amazon S3 user guide, event message structure: the key is URL-encoded.
    """
    if _BROKEN_ESCAPE.search(key):
        return None
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError:
        return None


def _bridged(event: dict[str, JsonValue], settings: Settings) -> AlarmChanged | ExecutionFailed | PruneDue | Ignored:
    try:
        found = _BRIDGED.validate_python(event)
    except ValidationError:
        kind = shortened(repr(event.get("detail-type")))
        return Ignored(reason=f"unknown EventBridge event {kind}", needs_attention=True)
    if isinstance(found, _AlarmEvent):
        return AlarmChanged(name=found.detail.alarm_name, state=found.detail.state.value)
    if isinstance(found, _ScheduledEvent):
        return PruneDue(at=found.time)
    function, _, _ = settings.rollout_function.rpartition(":")
    if not found.detail.arn.startswith(f"{function}:"):
        return Ignored(reason=f"{shortened(found.detail.arn)} is not an execution of the rollout", needs_attention=True)
    return ExecutionFailed(arn=found.detail.arn)
