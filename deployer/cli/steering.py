"""The verbs that change something: each is a command of the controller, shown and asked for before it is sent."""

from collections.abc import Callable
from typing import Any

import click

from deployer.cli import options, screen
from deployer.cli.answer import Document, ShownAnswer
from deployer.cli.exits import Exit, refusal
from deployer.cli.options import CommandLine


def _change(  # noqa: PLR0913 - what all of them take
    action: str,
    application: str,
    *,
    stack: str,
    output: str,
    yes: bool,
    dry_run: bool,
    asks: bool = True,
    **fields: Any,  # noqa: ANN401 - each command has its own
) -> Exit:
    """Send a command. A command that asks first shows what it would do, and is sent when a person agrees."""
    run = CommandLine(stack, output == "json")
    if dry_run:
        return show(run, run.controller.ask(action, application, dry_run=True, **fields))
    if asks and not yes:
        preview = run.controller.ask(action, application, dry_run=True, **fields)
        if not _would(preview):
            return show(run, preview)
        _confirm(preview)
    return show(run, run.controller.ask(action, application, **fields))


def _would(preview: Document) -> bool:
    """Return whether a dry run found something to do; if not, its answer is the answer."""
    answer = ShownAnswer.model_validate(preview)
    return not answer.problems and any(line.startswith("would ") for line in answer.answer)


def _confirm(preview: Document) -> None:
    """Ask a person whether to go on; a StopError if there is no person to ask, or the answer is no."""
    screen.err(*ShownAnswer.model_validate(preview).answer)
    if not screen.asks_people():
        raise refusal("--yes", "no terminal to ask on; nothing was changed", "a terminal, or --yes", "add --yes")
    if not click.confirm("Do it?", err=True):
        raise refusal("answer", "no; nothing was changed", "y", "send the command again when you mean it")


def show(run: CommandLine, found: Document) -> Exit:
    """Write the controller's answer: a refusal's reasons on standard error."""
    answer = ShownAnswer.model_validate(found)
    if run.as_json:
        screen.document(found)
    if answer.problems:
        screen.err(*answer.answer, *answer.report)
    elif not run.as_json:
        screen.out(*answer.answer)
    screen.err(*(f"warning: {one}" for one in answer.warning))
    return answer.exit_status


type _Function = Callable[..., Any]


def _verb(examples: str, *, asks: bool = True, reason: bool = True) -> Callable[[_Function], click.Command]:
    """Make a command of a function, with the options that all of these verbs have."""

    def decorate(function: _Function) -> click.Command:
        for option in (options.output, options.on_a_stack):
            function = option(function)
        function = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")(function)
        if asks:
            function = click.option("--yes", "-y", is_flag=True, help="Do not ask.")(function)
        if reason:
            text = "Is kept in the record, and shown by status and history."
            function = click.option("--reason", metavar="TEXT", help=text)(function)
        return click.command(cls=options.Verb, examples=examples)(options.application()(function))

    return decorate


_RELEASE = click.option("--release", metavar="NAME", help="The release you mean: refused if another one is there.")
_FORCE = click.option("--force", is_flag=True, help="Also for a release that was rolled back.")


@_verb('dropshift rollback hello --reason "misclassifies"\ndropshift rollback hello --to 1.4.0 --yes')
@click.option("--to", metavar="NAME", help="A release by name, id or version.  [default: the previous one]")
@_FORCE
@_RELEASE
def rollback(application: str, **options: Any) -> Exit:  # noqa: ANN401 - one for each option
    """Go back: a release under way loses its traffic, else the release before is live again."""
    return _change("rollback", application, **options)


@_verb("dropshift promote hello --full\ndropshift promote hello --weight 50")
@click.option("--full", is_flag=True, help="All traffic, whatever stages are left.")
@click.option("--weight", type=int, metavar="PERCENT", help="The stage to go to.  [default: the next one]")
@_RELEASE
def promote(application: str, **options: Any) -> Exit:  # noqa: ANN401 - as above
    """Go on to the next stage now, or to all traffic."""
    return _change("promote", application, **options)


@_verb('dropshift abort hello --reason "wrong model"')
@_RELEASE
def abort(application: str, **options: Any) -> Exit:  # noqa: ANN401 - as above
    """End the release under way, wherever it is; its traffic goes back."""
    return _change("abort", application, **options)


@_verb('dropshift pause hello --reason "looking at the errors"', asks=False)
@_RELEASE
def pause(application: str, **options: Any) -> Exit:  # noqa: ANN401 - as above
    """Keep the release under way at its stage."""
    return _change("pause", application, yes=True, **options)


@_verb("dropshift resume hello", asks=False)
@_RELEASE
def resume(application: str, **options: Any) -> Exit:  # noqa: ANN401 - as above
    """Go on with a release that was paused."""
    return _change("resume", application, yes=True, **options)


@_verb("dropshift redeploy hello 1.4.0")
@click.argument("release", metavar="RELEASE")
@_FORCE
def redeploy(application: str, **options: Any) -> Exit:  # noqa: ANN401 - as above
    """Roll an earlier drop out again, through every step."""
    return _change("redeploy", application, **options)


@_verb("dropshift prune hello --keep 5 --dry-run")
@click.option("--keep", type=int, metavar="N", help="Releases to keep.  [default: 10]")
def prune(application: str, **options: Any) -> Exit:  # noqa: ANN401 - as above
    """Delete old versions, and bundles that only they needed."""
    return _change("prune", application, **options)


@click.command(cls=options.Verb, examples="dropshift validate hello hello/v1.zip")
@options.application()
@click.argument("key")
@options.on_a_stack
@options.output
def validate(application: str, key: str, stack: str, output: str) -> Exit:
    """Inspect an archive that was dropped, as the rollout does; nothing changes."""
    run = CommandLine(stack, output == "json")
    with screen.working(f"inspecting {key}"):
        found = run.controller.ask("validate", application, key=key)
    return show(run, found)
