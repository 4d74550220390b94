"""Events of EventBridge: alarms, dead executions, the schedule."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from deployer.events.incoming import AlarmChanged, ExecutionFailed, Fields, Ignored, Incoming, PruneDue
from deployer.model.text import shortened
from deployer.settings import Settings

_EXECUTION = (
    r"^arn:[a-z0-9-]+:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+:[^/\s]{1,64}"
    r"/durable-execution/[\w-]{1,64}/[\w-]{1,64}$"
)
"""Source: AWS Lambda API reference, Execution, DurableExecutionArn."""


class _AlarmState(Fields):
    value: str


class _AlarmDetail(Fields):
    alarm_name: Annotated[str, Field(alias="alarmName")]
    state: _AlarmState


class _AlarmEvent(Fields):
    source: Literal["aws.cloudwatch"]
    detail: _AlarmDetail


class _ExecutionDetail(Fields):
    arn: Annotated[str, Field(alias="durableExecutionArn", pattern=_EXECUTION)]
    status: Literal["FAILED", "TIMED_OUT", "STOPPED"]


class _ExecutionEvent(Fields):
    source: Literal["aws.lambda"]
    detail: _ExecutionDetail


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
        return AlarmChanged(name=found.detail.alarm_name, state=found.detail.state.value)
    if isinstance(found, _ScheduledEvent):
        return PruneDue(at=found.time)
    function, _, _ = settings.rollout_function.rpartition(":")
    if not found.detail.arn.startswith(f"{function}:"):
        return Ignored(reason=f"{shortened(found.detail.arn)} is not an execution of the rollout", needs_attention=True)
    return ExecutionFailed(arn=found.detail.arn)
