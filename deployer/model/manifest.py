"""Pure: the manifest of a release, with its defaults."""

import re
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    field_validator,
    model_validator,
)

from deployer.model.duration import Duration
from deployer.model.stages import Percent, Stages, canary, linear, named, why_it_does_not_fit
from deployer.model.value import Value

NAME = "dropshift.toml"
Kind = Literal["python", "nodejs", "executable", "command"]
_NEEDS_HANDLER: tuple[Kind, ...] = ("python", "nodejs")
_HANDLER = re.compile(r"[\w.\-/]+\.[\w$]+")
_ALARM = re.compile(r"[^\x00-\x1f]{1,255}")
_ALARMS = 100
"""Names that CloudWatch's DescribeAlarms takes at once."""


def _handler(text: str) -> str:
    if not _HANDLER.fullmatch(text):
        raise ValueError("the module and the function, for instance app.handler")
    return text


def _alarm(text: str) -> str:
    if not _ALARM.fullmatch(text):
        raise ValueError("an alarm's name: 1 to 255 characters, no control characters")
    return text


class Section(Value):
    """A table of the manifest: its keys are written with dashes."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )


class Application(Section):
    """The entry point that the release becomes at cold start; omitted fields are taken from the function."""

    kind: Kind | None = None
    handler: Annotated[str, Field(max_length=128), AfterValidator(_handler)] | None = None
    command: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @model_validator(mode="after")
    def _one_way_to_start(self) -> Self:
        if self.kind in _NEEDS_HANDLER and self.command:
            raise ValueError(f'only "handler" with kind "{self.kind}"')
        if self.kind in ("executable", "command") and not self.command:
            raise ValueError(f'a "command" with kind "{self.kind}", for instance ["./server"]')
        if self.kind in ("executable", "command") and self.handler:
            raise ValueError(f'only "command" with kind "{self.kind}"')
        return self


class Rollout(Section):
    """The shifting of traffic, and the conditions that stop it."""

    strategy: str | None = None
    """A canary when neither this nor stages are given."""
    stages: Stages = ()
    weight: Percent | None = None
    bake: Duration | None = None
    inconclusive: Literal["hold", "promote", "roll-back"] = "hold"
    alarms: Annotated[tuple[Annotated[str, AfterValidator(_alarm)], ...], Field(max_length=_ALARMS)] = ()
    minimum_invocations: Annotated[int, Field(ge=0)] = 10
    """With fewer calls the new version is never healthy; errors that chance does not explain still roll it back."""
    error_rate: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Percentage points that the new version's error rate may lie above the stable one's."""
    slowdown: Annotated[float, Field(ge=1)] | None = None
    """Highest ratio of the new version's p95 duration to the stable version's; if omitted, durations are not judged."""

    @field_validator("strategy")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        named(name or "canary")
        return name

    @model_validator(mode="after")
    def _a_plan(self) -> Self:
        if self.stages and self.strategy:
            raise ValueError('either "strategy" or "stages"')
        if self.stages and (self.weight or self.bake):
            raise ValueError('"weight" and "bake" inside each of the "stages"')
        if (self.weight or self.bake) and self.strategy not in (None, "canary", "linear"):
            raise ValueError('"weight" and "bake" with the strategies "canary" and "linear" only')
        weights = [stage.weight for stage in self.stages]
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise ValueError(f"weights that grow from stage to stage; these are {weights}")
        if reason := why_it_does_not_fit(self.plan()):
            raise ValueError(reason)
        return self

    def plan(self) -> Stages:
        """Return the stages before everything; empty when all traffic moves at once."""
        if self.stages:
            return self.stages
        if self.strategy in (None, "canary"):
            return canary(self.weight or 10, self.bake or timedelta(minutes=5))
        if self.strategy == "linear":
            return linear(self.weight or 10, self.bake or timedelta(minutes=1))
        return named(str(self.strategy))


class Smoke(Section):
    """The call that a version must answer before its first traffic."""

    event: JsonValue = None
    expect: JsonValue = None
    """A subset of the response: every key named here must be there, with this value; lists are compared by item."""


class Resources(Section):
    """The function's resources; omitted ones stay as the stack made them."""

    memory: Annotated[int, Field(ge=128, le=10_240)] | None = None
    timeout: Annotated[int, Field(ge=1, le=900)] | None = None
    ephemeral_storage: Annotated[int, Field(ge=512, le=10_240)] | None = None
    provisioned_concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None


class Manifest(Section):
    """The whole manifest; an archive without one is `Manifest()`."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    application: Application = Application()
    rollout: Rollout = Rollout()
    smoke: Smoke | None = None
    resources: Resources = Resources()
