"""The verbs that look: status, history, logs."""

import re
import time
from datetime import UTC, datetime, timedelta

import click
from rich.table import Table
from rich.text import Text

from deployer.cli import options, screen, view, wording
from deployer.cli.answer import ShownAnswer, ShownRelease, Situation
from deployer.cli.clock import Clock
from deployer.cli.exits import Exit
from deployer.cli.options import CommandLine
from deployer.cli.steering import show
from deployer.cli.watching import explain, watch_newest
from deployer.model import duration

_PAUSE = 2.0
"""Seconds between two looks at a log that is followed."""


class DurationType(click.ParamType[timedelta]):
    """A duration such as 90s, 30m or 2h."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Parse it as a manifest does."""
        try:
            return duration.parse(value)
        except ValueError:
            self.fail(f"{value} is not a duration such as 90s, 30m, 2h or 1h30m", param, ctx)


TIMEOUT = click.option(
    "--timeout", type=DurationType(), default="2h", show_default=True, help="How long to watch; the rollout goes on."
)


@click.command(cls=options.Verb, examples="dropshift status\ndropshift status hello --watch --timeout 30m")
@options.application(required=False)
@click.option("--watch", is_flag=True, help="Follow the release under way to its end.")
@TIMEOUT
@options.on_a_stack
@options.output
def status(application: str | None, *, watch: bool, timeout: timedelta, stack: str, output: str) -> Exit:
    """Show where the traffic is and what is under way.

    With an APPLICATION, the exit status is that of its newest release; 3 while that is under way.
    """
    run = CommandLine(stack, output == "json")
    if application is None:
        if watch:
            raise click.UsageError("name the application to watch: dropshift status APPLICATION --watch")
        return _all(run)
    found = run.controller.ask("status", application)
    if ShownAnswer.model_validate(found).problems:
        return show(run, found)
    situation = Situation.model_validate(found)
    if watch and (ended := watch_newest(run, application, situation, timeout)) is not None:
        return ended
    newest = _newest(run, application)
    if run.as_json:
        screen.document(found)
    else:
        _write(situation, newest)
    return _exit_status(newest, run)


def _exit_status(newest: ShownRelease | None, run: CommandLine) -> Exit:
    if newest is None:
        return Exit.UNKNOWN
    if newest.ended and newest.exit_status is not Exit.LIVE:
        explain(newest, run)
    return newest.exit_status


def _all(run: CommandLine) -> Exit:
    found = run.controller.ask("status", None)
    if run.as_json or "applications" not in found:
        return show(run, found)
    for one in found["applications"]:
        _write(Situation.model_validate(one), None)
    names = tuple(one["application"] for one in found["applications"])
    screen.out(*(line for line in ShownAnswer.model_validate(found).answer if not line.startswith(names)))
    return Exit.LIVE


def _write(situation: Situation, newest: ShownRelease | None) -> None:
    shown = newest if newest and not newest.ended else None
    screen.console().print(view.frame(situation, shown, Clock.of_environment()))


def _newest(run: CommandLine, application: str) -> ShownRelease | None:
    releases = ShownAnswer.model_validate(run.controller.ask("history", application, limit=1)).releases
    return releases[0] if releases else None


@click.command(cls=options.Verb, examples="dropshift history hello --limit 3")
@options.application()
@click.option("--limit", type=int, default=10, show_default=True, help="Releases, newest first.")
@options.on_a_stack
@options.output
def history(application: str, limit: int, stack: str, output: str) -> Exit:
    """Show releases and how each ended, newest first."""
    run = CommandLine(stack, output == "json")
    found = run.controller.ask("history", application, limit=limit)
    answer = ShownAnswer.model_validate(found)
    if run.as_json or answer.problems:
        return show(run, found)
    if not answer.releases:
        screen.out(f"no release of {application} yet")
        return Exit.LIVE
    screen.console().print(_table(answer.releases))
    return Exit.LIVE


def _table(releases: tuple[ShownRelease, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("ended", "release", "version", "status"):
        table.add_column(name, no_wrap=True)
    table.add_column("why", overflow="fold")
    for one in releases:
        when = one.ended_at or (one.timeline[-1].at if one.timeline else None)
        ended = wording.day_and_time(when) if when and one.ended else "under way"
        taken = one.rolled_back
        table.add_row(
            Text(wording.day_and_time(taken.at) if taken else ended, style="cyan"),
            Text(one.release),
            Text(one.version or ""),
            Text("rolled-back" if taken else one.status, style=view.style_of(one)),
            Text(one.because),
        )
    return table


@click.command(cls=options.Verb, examples="dropshift logs hello --follow\ndropshift logs --of rollout --since 1h")
@options.application(required=False)
@click.option("--of", type=click.Choice(["controller", "rollout"]), help="A part of the deployer, not an application.")
@click.option("--since", type=DurationType(), default="10m", show_default=True, help="How far back.")
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@options.on_a_stack
@options.output
def logs(application: str | None, of: str | None, since: timedelta, *, follow: bool, stack: str, output: str) -> Exit:
    """Show the log of an application, or of the deployer itself."""
    from deployer.cli.aws.logs import Log  # noqa: PLC0415 - AWS's library takes half a second

    if (application is None) == (of is None):
        raise click.UsageError("name an APPLICATION, or a part of the deployer by --of")
    run = CommandLine(stack, output == "json")
    log = Log(run.stack, run.stack.function(application) if application else getattr(run.stack, str(of)))
    begin = int((datetime.now(UTC) - since).timestamp() * 1000)
    while True:
        for line in log.since(begin):
            when = datetime.fromtimestamp(line.at / 1000, UTC)
            if run.as_json:
                screen.line_of_json({"at": when.isoformat(), "message": line.message})
            else:
                screen.out(f"{wording.at(when)}  {_readable(line.message)}")
            begin = max(begin, line.at)
        if not follow:
            return Exit.LIVE
        time.sleep(_PAUSE)


def _readable(message: str) -> str:
    """Return a message without what would move the cursor or change the terminal."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "�", message)
