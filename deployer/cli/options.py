"""Common parts of verbs: their help with an example, their options, and the stack that they work on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from deployer.cli.exits import StopError

if TYPE_CHECKING:
    from deployer.cli.aws.controller import Controller
    from deployer.cli.aws.stack import Stack

type Function = Callable[..., Any]


@dataclass(frozen=True)
class CommandLine:
    """One run of the command line. AWS's library is imported when it is needed first: `inspect` never needs it."""

    stack_name: str
    as_json: bool

    @cached_property
    def stack(self) -> "Stack":
        """The stack that the verb works on."""
        from deployer.cli.aws.session import Session  # noqa: PLC0415
        from deployer.cli.aws.stack import Stack  # noqa: PLC0415

        return Stack(Session(), self.stack_name)

    @cached_property
    def controller(self) -> "Controller":
        """The stack's controller."""
        from deployer.cli.aws.controller import Controller  # noqa: PLC0415

        return Controller(self.stack)


class Verb(click.Command):
    """A command whose help ends with examples."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:  # noqa: ANN401 - as click's
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are typed."""
        with formatter.section("Examples" if "\n" in self.examples else "Example"):
            for line in self.examples.splitlines():
                formatter.write(f"  {line}\n")
        super().format_epilog(ctx, formatter)


def complete_application(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the stack's applications; none when AWS cannot be asked."""
    try:
        known = CommandLine(ctx.params.get("stack") or "dropshift", as_json=False).stack.applications
    except StopError:
        return []
    return [name for name in known if name.startswith(incomplete)]


def application(*, required: bool = True) -> Callable[[Function], Function]:
    """Let a verb take an application."""
    return click.argument("application", required=required, shell_complete=complete_application)


on_a_stack = click.option(
    "--stack", envvar="DROPSHIFT_STACK", default="dropshift", show_default=True, show_envvar=True, help="The stack."
)
output = click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs."
)


def machine(function: Function) -> Function:
    """Let a verb take the function's runtime and architecture."""
    kinds = click.Choice(["x86_64", "arm64"])
    function = click.option("--architecture", type=kinds, help="The function's.  [default: x86_64]")(function)
    return click.option("--runtime", help="The function's, for instance nodejs24.x.  [default: python3.13]")(function)
