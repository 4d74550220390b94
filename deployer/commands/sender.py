"""Pure: the alias of the controller through which a payload came, the commands that it takes, and the claimed sender.

IAM grants each alias by itself: a grant for one alias is not for another one, nor for the function itself.
Lambda passes the invoked ARN to the function, but not the invoker; CloudTrail's data events have that.
Sources: AWS Lambda developer guide, aliases in permissions policies, context object; Lambda API reference, Invoke.
"""

from typing import Any, Self

from pydantic import JsonValue

from deployer.commands.command import Command, Redeploy
from deployer.model.alias import ADMINISTRATION, needs_administration
from deployer.model.problem import Problem
from deployer.model.text import shortened
from deployer.model.value import Value

_QUALIFIED = 8
"""Parts of an ARN that names an alias or a version of a function."""


class Sender(Value):
    """The way by which an invocation reached the controller."""

    alias: str = ""
    """The alias or version that was invoked; empty for the function itself, which receives events."""
    name: str = ""
    """A claim of the invoker, in the client context; empty without one."""

    @classmethod
    def of(cls, context: Any) -> Self:  # noqa: ANN401 - the runtime's
        """Read Lambda's context of an invocation."""
        parts = context.invoked_function_arn.split(":")
        custom = getattr(context.client_context, "custom", None)
        claimed = custom.get("by") if isinstance(custom, dict) else None
        name = shortened(claimed.strip()) if isinstance(claimed, str) else ""
        return cls(alias=parts[-1] if len(parts) == _QUALIFIED else "", name=name)

    def completed(self, payload: JsonValue) -> JsonValue:
        """Return the payload with the application that a command leaves out: the one whose alias was invoked."""
        if not isinstance(payload, dict) or "action" not in payload or self.alias in ("", ADMINISTRATION):
            return payload
        return {"application": self.alias, **payload}

    def objection(self, command: Command | None) -> Problem | None:
        """Return why a command, or None for an event, may not come in here; None when it may."""
        allowed = _allowed(command)
        if self.alias in allowed:
            return None
        found, ways = f"{_shown(command)} through {_way(self.alias)}", " or ".join(map(_way, allowed))
        return Problem.of(
            "invocation", found, ways, "invoke that one; IAM grants each alias by itself: docs/operations.md"
        )


def _allowed(command: Command | None) -> tuple[str, ...]:
    """Return the aliases through which something may come."""
    if command is None:
        return ("",)
    if command.application is None or needs_administration(command.action, force=_is_forced(command)):
        return (ADMINISTRATION,)
    return command.application, ADMINISTRATION


def _shown(command: Command | None) -> str:
    if command is None:
        return "an event"
    force = ' with "force"' if _is_forced(command) else ""
    return f"{command.action}{force} {f'of {command.application}' if command.application else 'of all applications'}"


def _is_forced(command: Command) -> bool:
    return isinstance(command, Redeploy) and command.force


def _way(alias: str) -> str:
    return f'the alias "{shortened(alias)}"' if alias else "the function without an alias"
