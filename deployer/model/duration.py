"""Pure: durations as people write them in a manifest ("90s", "5m", "1h30m", "2d")."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_WHOLE = re.compile(r"(?:\d+[dhms])+")
_PIECE = re.compile(r"(\d+)([dhms])")
_DIGITS = 6
"""Longer numbers are typing errors, and would overflow timedelta instead of being refused."""


def parse(text: object) -> timedelta:
    """Return the timedelta for a text such as "1h30m"; every number needs a unit.

    Raises ValueError for anything but a sequence of numbers, of at most six digits, with the units d, h, m or s.
    """
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise ValueError('a duration such as "90s", "5m", "1h30m" or "2d"')
    pieces = _PIECE.findall(text)
    if any(len(number) > _DIGITS for number, _ in pieces):
        raise ValueError(f"numbers of at most {_DIGITS} digits")
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in pieces), timedelta())


def show(duration: timedelta) -> str:
    """Return a duration as `parse` reads it, to the second: `1h30m`, `5m`, `0s`."""
    seconds = int(duration.total_seconds())
    text = ""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def age(duration: timedelta) -> str:
    """Return an age in its largest unit: `3 d`, `5 m`, `0 s`."""
    seconds = int(duration.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


Duration = Annotated[timedelta, BeforeValidator(parse), PlainSerializer(show)]
