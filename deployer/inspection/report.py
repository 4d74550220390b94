"""Pure: problems as text for people: one fault once, with all its places."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from deployer.model.problem import Problem

PLACES = 5
"""Places listed for one fault; the rest are counted."""


def text(problems: Sequence[Problem]) -> str:
    """Return a report of several lines: the places, what was found, what is allowed, what to do."""
    return "\n".join(_paragraph(group) for group in grouped(problems))


def line(problems: Sequence[Problem]) -> str:
    """Return a one-line summary of the report, for a status."""
    return "; ".join(f"{_places(group)}: {group[0].found}" for group in grouped(problems))


def grouped(problems: Sequence[Problem]) -> list[tuple[Problem, ...]]:
    """Return the problems in the order they were found, those that differ only in their place together."""
    order = {_fault(problem): index for index, problem in reversed(list(enumerate(problems)))}
    together = groupby(sorted(problems, key=lambda problem: order[_fault(problem)]), key=_fault)
    return [tuple(group) for _, group in together]


def _fault(problem: Problem) -> tuple[str, str, str]:
    return problem.found, problem.allowed, problem.remedy


def _paragraph(group: Sequence[Problem]) -> str:
    first = group[0]
    return f"{_places(group)}\n    found:   {first.found}\n    allowed: {first.allowed}\n    to do:   {first.remedy}"


def _places(group: Iterable[Problem]) -> str:
    places = list(dict.fromkeys(problem.where for problem in group))
    more = f" and {len(places) - PLACES} more" if len(places) > PLACES else ""
    return ", ".join(places[:PLACES]) + more
