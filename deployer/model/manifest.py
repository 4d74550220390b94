"""Pure: `dropshift.toml` in, a manifest out, or all its problems at once."""

import difflib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice, pairwise
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from deployer.model.duration import Duration
from deployer.model.problem import LISTED, Problem, listed
from deployer.model.stages import Percent, Stages, canary, linear, named, why_it_does_not_fit
from deployer.model.text import shortened
from deployer.model.toml import LARGEST, SHORTEN, load
from deployer.model.validation import allowed
from deployer.model.value import Value

NAME = "dropshift.toml"
Kind = Literal["python", "nodejs", "executable", "command"]
_NEEDS_HANDLER: tuple[Kind, ...] = ("python", "nodejs")
_SECRETIVE = "smoke"
"""The table whose values are for the application alone: no record or log repeats them."""
_HANDLER = re.compile(r"[\w.\-/]+\.[\w$]+")
_ALARM = re.compile(r"[^\x00-\x1f]{1,255}")
_ALARMS = 100
"""Names that CloudWatch's DescribeAlarms takes at once."""
_NAME = 80
"""Characters of an unknown field's name that are compared with the known ones."""


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


def parse(text: bytes | None) -> Manifest | tuple[Problem, ...]:
    """Return the manifest, or all its problems.

    `text` is the file's bytes, None when the archive has none.
    """
    document = load(text or b"", NAME)
    if isinstance(document, Problem):
        return (document,)
    try:
        manifest = Manifest.model_validate(document)
    except ValidationError as error:
        return listed(tuple(islice(_problems(error), LISTED)), max(0, error.error_count() - LISTED))
    too_large = _too_large(manifest)
    return (too_large,) if too_large else manifest


def _too_large(manifest: Manifest) -> Problem | None:
    """Return the problem of a manifest that is too large for the state of a rollout, which keeps it as JSON."""
    tables = manifest.model_dump(mode="json", by_alias=True)
    sizes = {name: len(json.dumps(table)) for name, table in tables.items()}
    if sum(sizes.values()) <= LARGEST:
        return None
    name = max(sizes, key=lambda name: sizes[name])
    return _problem(f"{sizes[name]} bytes as JSON", f"at most {LARGEST} in all tables together", SHORTEN, name)


def _problem(found: str, allowed: str, remedy: str, field: str = "") -> Problem:
    return Problem(where=f"{NAME}: {field}" if field else NAME, found=found, allowed=allowed, remedy=remedy)


def _problems(error: ValidationError) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        path = [str(part) for part in detail["loc"]]
        if detail["type"] == "extra_forbidden":
            yield _unknown(path)
        else:
            yield _problem(_found(detail), allowed(detail), "correct it and drop again", ".".join(path))


def _found(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "nothing"
    if detail["loc"][:1] == (_SECRETIVE,):
        return "a value that is not repeated here, because it may be secret"
    return "these fields together" if isinstance(detail["input"], dict) else shortened(repr(detail["input"]))


def _unknown(path: list[str]) -> Problem:
    known = _fields(Manifest, path[:-1])
    near = difflib.get_close_matches(path[-1][:_NAME], known, n=1)
    remedy = f'did you mean "{near[0]}"?' if near else "remove this field"
    return _problem("an unknown field", ", ".join(known), remedy, ".".join(path))


def _fields(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the names that are allowed at a path of the manifest; list indices are skipped."""
    for name in path:
        if not name.isdigit():
            model = _table(model, name)
    return [field.alias or name for name, field in model.model_fields.items()]


def _table(model: type[BaseModel], name: str) -> type[BaseModel]:
    field = next(value for key, value in model.model_fields.items() if (value.alias or key) == name)
    inside = [field.annotation, *get_args(field.annotation)]
    return next(kind for kind in inside if isinstance(kind, type) and issubclass(kind, BaseModel))
