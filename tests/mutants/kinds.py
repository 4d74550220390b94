"""Why a mutant that survives may: it changes nothing that anybody could rely on. Each kind has its reason."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """Survivors without an effect, by how their change looks."""

    name: str
    reason: str
    fits: Callable[[str], bool]
    """Given Mutant.change(): `file: function`, then the lines before with a minus, those after with a plus."""


def _pattern(text: str) -> Callable[[str], bool]:
    """Return a rule for changes that contain a pattern."""
    return lambda change: re.search(text, change) is not None


def _reworded(change: str) -> bool:
    """Return whether only letters of a sentence, or of a part of a refusal, are other ones."""
    _, *lines = change.splitlines()
    before = "".join(line[1:] for line in lines if line[0] == "-")
    after = "".join(line[1:] for line in lines if line[0] == "+")
    if before == after or before.casefold() != after.replace("XX", "").casefold():
        return False
    at = next(place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other)
    end = re.compile(r"[\"'](?=[,)\]}]|$| (?:if|else|or|and|for)\b)").search(before, at)
    text = before[max(before.rfind('"', 0, at), before.rfind("'", 0, at), 0) : end.end() if end else None]
    return " " in text or "refusal(" in before or "where=" in before


_EQUAL = (
    r'\.rstrip\("XX0XX"\)',  # letters that no number has
    r"rises >= falls",  # a bisection that meets its answer ends there
    r"get_close_matches\(found, known, \)",  # the best comes first of any number
    r'\) or b"XX(?:\{\})?XX"\)',  # what cannot be parsed counts as what is empty
    r"zip\(wanted, found, \)",  # strict is False without it
    r'"errorMessage", (?:"XXXX")?\)\) if isinstance\(payload',  # searched for a phrase that neither holds
    r'"HTTPStatusCode", 1\)|else \("(?:", 1|XXXX", 0)\)',  # compared with 429 and 500 alone, and with codes
)

KINDS = (
    Kind("wording", "a sentence for people or a log, in other letters; tests hold its facts", _reworded),
    Kind("a longer wait", "a limit of time for what is best effort; no test waits that long", _pattern(r"patience=")),
    Kind(
        "threads",
        "a number of threads, which decides how fast the same bytes come or go",
        _pattern(r"ThreadPoolExecutor\("),
    ),
    Kind("equal", "another expression with the same value for every input", _pattern("|".join(_EQUAL))),
)


def kind_of(change: str) -> Kind | None:
    """Return the first kind that a change fits; None for a change of behaviour, whose test is missing."""
    return next((kind for kind in KINDS if kind.fits(change)), None)
