"""Pure: one problem of an input, and lists of problems, bounded in size wherever they are kept."""

import json
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Annotated, Self

from pydantic import AfterValidator

from deployer.model.text import Sentence
from deployer.model.value import Value

LISTED = 100
"""The most problems or warnings in one list; the rest are counted."""
_ROOM = 48 * 1024
"""The most bytes of one list as JSON: a step's result has 256 KB, and more than one list."""
_REST = 1024
"""Bytes of these for the item that counts the rest."""


class Problem(Value):
    """One problem of an input: what was found, what is allowed, and what to do."""

    where: Sentence
    """The path inside the archive, the manifest's field or the command's field; "archive" for the whole."""
    found: Sentence
    allowed: Sentence
    remedy: Sentence

    @classmethod
    def of(cls, where: str, found: str, allowed: str, remedy: str) -> Self:
        """Return a problem by its four texts, in the order in which they are read."""
        return cls(where=where, found=found, allowed=allowed, remedy=remedy)

    def __str__(self) -> str:
        return f"{self.where}: {self.found}; allowed: {self.allowed}; {self.remedy}"


def listed(problems: Sequence[Problem], more: int = 0) -> tuple[Problem, ...]:
    """Return as many problems as fit; the last one counts those that do not, and those that were counted before."""
    return _fitting(problems, more, dict, _more_problems)


def _more_problems(count: int) -> Problem:
    remedy = "fix the problems listed first; the rest may have the same cause"
    return Problem.of("archive", f"{count} more problems", "none", remedy)


def _fitting[T](items: Sequence[T], more: int, shown: Callable[[T], object], rest: Callable[[int], T]) -> tuple[T, ...]:
    """Return the first items and one that counts the rest. A list that fits does not change."""
    sizes = [len(json.dumps(shown(item))) for item in items]
    if not more and len(items) <= LISTED and sum(sizes) <= _ROOM:
        return tuple(items)
    totals = list(accumulate(sizes))
    kept = sum(total <= _ROOM - _REST for total in totals[: LISTED - 1])
    return *items[:kept], rest(len(items) - kept + more)


def _warnings(texts: Sequence[str]) -> tuple[str, ...]:
    return _fitting(texts, 0, str, lambda count: f"{count} more warnings")


Problems = Annotated[tuple[Problem, ...], AfterValidator(listed)]
"""As many problems as fit a refusal, a record and an answer; the last one counts those that do not."""
Warnings = Annotated[tuple[Sentence, ...], AfterValidator(_warnings)]
"""As many warnings as fit; the last one counts those that do not."""
