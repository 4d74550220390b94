"""The command line: its verbs, and how every run of it ends."""

import os
import signal
import sys
from types import FrameType, TracebackType
from typing import NoReturn

import click

from deployer.cli import dropping, inspecting, packing, screen, showing, steering
from deployer.cli.completing import completion
from deployer.cli.exits import Exit, StopError

_GROUPS = {
    "Release": (packing.pack, inspecting.inspect, dropping.drop),
    "Watch": (showing.status, showing.history, showing.logs),
    "Steer": (
        *(steering.rollback, steering.promote, steering.abort, steering.pause, steering.resume),
        *(steering.redeploy, steering.validate, steering.prune),
    ),
    "Shell": (completion,),
}


class _Grouped(click.Group):
    """A group that lists its commands by what they are for."""

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group under its title."""
        width = formatter.width - max(map(len, self.commands)) - 6
        for title, commands in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(one.name or "", one.get_short_help_str(width)) for one in commands])


@click.group(cls=_Grouped, commands=[one for group in _GROUPS.values() for one in group])
@click.version_option(package_name="dropshift")
def dropshift() -> None:
    """Drop archives of any size, watch them go live on Lambda, and take them back.

    Uses your AWS credentials. DROPSHIFT_STACK, or --stack, names the stack.

    Exit status: 0 live, or done; 1 refused, failed, rolled back or aborted; 2 superseded or overtaken; 3 could not
    tell. The reason is on standard error.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run a verb and return its exit status; every reason for another one than 0 is on standard error."""
    try:
        found = dropshift.main(arguments, prog_name="dropshift", standalone_mode=False)
    except StopError as error:
        screen.problems(error.problems)
        return error.exit_status
    except click.ClickException as error:
        error.show()
        return Exit.UNKNOWN
    except click.Abort:
        screen.err("interrupted; nothing more is done")
        return Exit.INTERRUPTED
    return int(found or 0)


def run() -> NoReturn:
    """Run as a program."""
    sys.excepthook = _bug
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(main())


def _terminated(_: int, __: FrameType | None) -> NoReturn:
    screen.err("terminated; what was started in AWS goes on")
    sys.stderr.flush()
    os._exit(Exit.TERMINATED)


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """End with "could not tell" for an unexpected exception: Python's own status would look like a refusal."""
    sys.__excepthook__(kind, error, trace)
    sys.stderr.flush()
    os._exit(Exit.UNKNOWN)
