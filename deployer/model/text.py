"""Pure: text from outside made safe to show: printable, and of bounded length."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

_LABEL = 80
_SENTENCE = 1_000
_SHOWN = 20


def printable(text: str) -> str:
    """Escape what could break a line of a log or a terminal; leave readable text as it is."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shortened(text: str, limit: int = _LABEL) -> str:
    """Make text printable and cut it to a number of characters, ending in an ellipsis when something is cut."""
    start = printable(text[: limit + 1])
    return start if len(start) <= limit else start[: limit - 1] + "…"


def some(names: Sequence[str]) -> str:
    """Return names in a line: all of a few, the first of many and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def said_by(name: str) -> str:
    """Return the claimed sender of a command, to follow a reason; only CloudTrail can confirm it."""
    return f", said by {name}" if name else ""


def _as_sentence(text: str) -> str:
    return shortened(text, _SENTENCE)


Sentence = Annotated[str, AfterValidator(_as_sentence)]
"""A text that people read: printable, at most 1,000 characters of it."""
