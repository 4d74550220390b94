"""Pure: the commands to the controller, and their parsing."""

import difflib
from collections.abc import Collection
from typing import Annotated, Literal

from aws_lambda_powertools.utilities import parser
from pydantic import BeforeValidator, Field, JsonValue, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from deployer.model.problem import Problem
from deployer.model.text import shortened, some
from deployer.model.validation import allowed
from deployer.model.value import Value


def _version(value: object) -> object:
    """Return a whole number as text, because it is a version."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=1_024)]
Release = Annotated[Name, BeforeValidator(_version)]
"""A release name, a release id or a version."""
Text = Annotated[str, StringConstraints(strict=True, max_length=500)]
Flag = Annotated[bool, Field(strict=True)]


class ChangeCommand(Value):
    """The fields of every command that changes something."""

    application: Name
    reason: Text = ""
    dry_run: Flag = False
    """Only answer what would be done."""


class ReleaseCommand(ChangeCommand):
    """A command that may name its release: by name, release id or version."""

    release: Release | None = None
    """If another release is in its place, the command is refused."""


class ShowStatus(Value):
    """Asks for the traffic's shares and the states of releases."""

    action: Literal["status"]
    application: Name | None = None
    """All applications when left out."""


class ShowHistory(Value):
    """The releases that were written about last, newest first."""

    action: Literal["history"]
    application: Name
    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 10


class RollBack(ReleaseCommand):
    """Roll back to the recorded previous release, or to a named one; `release` is the one to leave."""

    action: Literal["rollback"]
    to: Release | None = None
    force: Flag = False


class Promote(ReleaseCommand):
    """Promote to the next stage, to a named one, or to all traffic."""

    action: Literal["promote"]
    full: Flag = False
    weight: Annotated[int, Field(strict=True, ge=1, le=99)] = 0
    """Percent of the stage to go to. If omitted, the next stage: sending the command twice advances two stages."""


class Abort(ReleaseCommand):
    """End the release that is under way: its traffic goes back to the stable version."""

    action: Literal["abort"]


class Pause(ReleaseCommand):
    """Stay at the present stage."""

    action: Literal["pause"]


class Resume(ReleaseCommand):
    """Go on from the present stage."""

    action: Literal["resume"]


class Validate(Value):
    """The full inspection of a dropped archive; nothing is changed."""

    action: Literal["validate"]
    application: Name
    key: Name
    """In the releases bucket."""


class Redeploy(ChangeCommand):
    """Every step again for an earlier drop."""

    action: Literal["redeploy"]
    release: Release
    force: Flag = False


class Prune(ChangeCommand):
    """Delete old versions and the bundles that only they needed."""

    action: Literal["prune"]
    keep: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 10
    """Number of the newest releases to keep; releases that went live are kept before those that did not."""


Command = Annotated[
    ShowStatus | ShowHistory | RollBack | Promote | Abort | Pause | Resume | Validate | Redeploy | Prune,
    Field(discriminator="action"),
]
_MODELS = (ShowStatus, ShowHistory, RollBack, Promote, Abort, Pause, Resume, Validate, Redeploy, Prune)
_BY_ACTION = {model.model_fields["action"].annotation.__args__[0]: model for model in _MODELS}  # type: ignore[union-attr]  # a Literal has arguments


def parse(payload: dict[str, JsonValue], applications: Collection[str]) -> Command | tuple[Problem, ...]:
    """Return a command, or all its problems."""
    try:
        command: Command = parser.parse(event=payload, model=Command)  # type: ignore[call-overload]  # a union is no class
    except ValidationError as error:
        return tuple(_problem(detail, payload) for detail in error.errors())
    name = command.application
    if name is not None and name not in applications:
        return (_unknown("application", name, sorted(applications)),)
    return command


def _problem(detail: ErrorDetails, payload: dict[str, JsonValue]) -> Problem:
    action, kind, loc = payload.get("action"), detail["type"], detail["loc"]
    if kind.startswith("union_tag"):
        return _unknown("action", action, list(_BY_ACTION))
    field = str(loc[-1])
    if kind == "extra_forbidden":
        return _unknown("field", field, list(_BY_ACTION[str(action)].model_fields))
    found = "nothing" if kind == "missing" else shortened(repr(payload.get(field)))
    return Problem.of(field, found, allowed(detail), f"correct it; see events/{action}.json")


def _unknown(what: str, found: JsonValue, known: list[str]) -> Problem:
    near = difflib.get_close_matches(found, known, n=1) if isinstance(found, str) else []
    remedy = f'did you mean "{near[0]}"?' if near else "use one of these"
    return Problem.of(what, f"the unknown {what} {shortened(repr(found))}", some(known) or "none yet", remedy)
