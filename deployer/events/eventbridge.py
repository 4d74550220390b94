"""Events of EventBridge: alarms, dead executions, the schedule."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AliasPath, Field, JsonValue, TypeAdapter, ValidationError

from deployer.events.incoming import AlarmChanged, ExecutionFailed, Fields, Ignored, Incoming, PruneDue
from deployer.model.text import shortened
from deployer.settings import Settings

_EXECUTION = (
    r"^arn:[a-z0-9-]+:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+:[^/\s]{1,64}"
    r"/durable-execution/[\w-]{1,64}/[\w-]{1,64}$"
)
"""Source: AWS Lambda API reference, Execution, DurableExecutionArn."""


class _AlarmEvent(Fields):
    source: Literal["aws.cloudwatch"]
    name: Annotated[str, Field(validation_alias=AliasPath("detail", "alarmName"))]
    state: Annotated[str, Field(validation_alias=AliasPath("detail", "state", "value"))]


class _ExecutionEvent(Fields):
    source: Literal["aws.lambda"]
    arn: Annotated[str, Field(validation_alias=AliasPath("detail", "durableExecutionArn"), pattern=_EXECUTION)]
    status: Annotated[Literal["FAILED", "TIMED_OUT", "STOPPED"], Field(validation_alias=AliasPath("detail", "status"))]


class _ScheduledEvent(Fields):
    source: Literal["aws.events"]
    kind: Annotated[Literal["Scheduled Event"], Field(alias="detail-type")]
    time: datetime


_BRIDGED: TypeAdapter[_AlarmEvent | _ExecutionEvent | _ScheduledEvent] = TypeAdapter(
    Annotated[_AlarmEvent | _ExecutionEvent | _ScheduledEvent, Field(discriminator="source")]
)


def of_eventbridge(event: dict[str, JsonValue], settings: Settings) -> Incoming:
    """Return the value that an event of EventBridge stands for."""
    try:
        found = _BRIDGED.validate_python(event)
    except ValidationError:
        kind = shortened(repr(event.get("detail-type")))
        return Ignored(reason=f"unknown EventBridge event {kind}", needs_attention=True)
    if isinstance(found, _AlarmEvent):
        return AlarmChanged(name=found.name, state=found.state)
    if isinstance(found, _ScheduledEvent):
        return PruneDue(at=found.time)
    function, _, _ = settings.rollout_function.rpartition(":")
    if not found.arn.startswith(f"{function}:"):
        return Ignored(reason=f"{shortened(found.arn)} is not an execution of the rollout", needs_attention=True)
    return ExecutionFailed(arn=found.arn)
