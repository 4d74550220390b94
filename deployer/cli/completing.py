"""`dropshift completion`: the script by which a shell completes verbs, options and applications."""

import click
from click.shell_completion import get_completion_class

from deployer.cli import options, screen
from deployer.cli.exits import Exit

_PROGRAM, _VARIABLE = "dropshift", "_DROPSHIFT_COMPLETE"


@click.command(
    cls=options.Verb,
    examples='eval "$(dropshift completion bash)"     # in ~/.bashrc; zsh likewise in ~/.zshrc\n'
    "dropshift completion fish | source       # in ~/.config/fish/config.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> Exit:
    """Print what makes a shell complete this command."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.BadParameter(f"click knows no {shell}")
    screen.out(kind(ctx.find_root().command, {}, _PROGRAM, _VARIABLE).source())
    return Exit.LIVE
