"""Output for a person: answers on standard output, problems and questions on standard error."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.text import Text

from deployer.inspection import report
from deployer.model.problem import Problem

_WIDTH = 110
"""Columns where the output is no terminal."""


def console(*, error: bool = False) -> Console:
    """Return a console that colours on a terminal alone, and guesses at nothing in what it is given."""
    made = Console(stderr=error, highlight=False, markup=False, emoji=False)
    return made if made.is_terminal else Console(stderr=error, highlight=False, markup=False, emoji=False, width=_WIDTH)


def out(*lines: str) -> None:
    """Write an answer."""
    for line in lines:
        click.echo(line)


def err(*lines: str) -> None:
    """Write what is no answer: a reason, a warning, a hint."""
    for line in lines:
        click.echo(line, err=True)


def document(found: object) -> None:
    """Write one JSON document."""
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


def line_of_json(found: object) -> None:
    """Write one JSON document in a line, for those who read while it goes on."""
    click.echo(json.dumps(found, ensure_ascii=False))


def problems(found: Sequence[Problem]) -> None:
    """Write what is wrong, what is allowed and what to do."""
    err(report.text(found))


def asks_people() -> bool:
    """Return whether a question would reach a person."""
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that something goes on."""
    with console(error=True).status(Text(what)):
        yield
