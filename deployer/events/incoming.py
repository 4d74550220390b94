"""Pure: what may come in."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from deployer.commands.command import Command
from deployer.model.drop import Drop
from deployer.model.problem import Problem
from deployer.model.value import Value


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


class Fields(BaseModel):
    """The fields that we need of an AWS message; the rest is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")
