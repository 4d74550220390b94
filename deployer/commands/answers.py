"""Pure: the form of every answer to people: JSON that also reads well on a terminal."""

from collections.abc import Sequence
from typing import Any

from deployer.inspection import report
from deployer.model.problem import Problem

type Answer = dict[str, Any]


def refused(problems: Sequence[Problem]) -> Answer:
    """Return a refusal with all problems; nothing was changed."""
    return {
        "answer": "refused; nothing was changed",
        "report": report.text(problems).splitlines(),
        "problems": [problem.model_dump() for problem in problems],
    }


def refusal(where: str, found: str, allowed: str, remedy: str) -> Answer:
    """Refuse for one reason."""
    return refused([Problem.of(where, found, allowed, remedy)])


def nothing_to_do(why: str) -> Answer:
    """Return that there is nothing to change."""
    return {"answer": f"nothing to do: {why}"}


def done(what: str, *, dry_run: bool = False, **more: object) -> Answer:
    """Return what was done, or what a dry run would do."""
    return {"answer": f"would {what}" if dry_run else what, **more}


def titled(release: str | None, version: str | None) -> str:
    """Return a release's name with its version in brackets; the version alone when it is no release."""
    if release is None:
        return f"version {version}"
    return f"{release} (version {version})" if version else release
