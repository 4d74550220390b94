"""Pure: a TOML file in, its values or its problem out. Every file costs little time and memory to read."""

import math
import re
import tomllib
from collections.abc import Iterator

from deployer.model.problem import Problem

LARGEST = 64 * 1024
"""Bytes of the file, and of its values as JSON: each step of a rollout keeps the manifest with its result."""
SHORTEN = "shorten it; a large smoke event may name a file of the release that holds the rest"
_DEEPEST = 32
_PARTS = 100
"""Parts of a dotted key: tomllib's memory grows with their square. A reversed IPv6 address has 34."""
_LONG_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{_PARTS}}}""")


def load(text: bytes, name: str) -> dict[str, object] | Problem:
    """Return the file's values, or its problem; `name` stands for the file in the problem."""
    if len(text) > LARGEST:
        return Problem.of(name, f"{len(text)} bytes", f"at most {LARGEST} bytes", SHORTEN)
    try:
        source = text.decode()
    except UnicodeDecodeError as error:
        return Problem.of(name, f"byte {error.start} is not UTF-8", "UTF-8 text", "save the file as UTF-8")
    if _LONG_KEY.search(source):
        return Problem.of(name, "a longer dotted key", f"dotted keys of at most {_PARTS} parts", "write it as a table")
    try:
        document = tomllib.loads(source)
    except (ValueError, RecursionError) as error:  # tomllib's own, an integer of 5,000 digits, a thousand brackets
        return Problem.of(name, str(error), "TOML 1.0", "correct the syntax; https://toml.io/en/v1.0.0 describes it")
    return _unusable(document, name) or document


def _unusable(document: dict[str, object], name: str) -> Problem | None:
    """Return the problem of a document that cannot be validated, kept as JSON or shown."""
    for value, depth in _values(document):
        if depth > _DEEPEST:
            return Problem.of(name, "nested tables and lists", f"at most {_DEEPEST} levels", "nest them less")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            found = f"an integer of {value.bit_length()} bits"
            return Problem.of(name, found, "integers of 64 bits", "write it as text")
        if isinstance(value, float) and not math.isfinite(value):
            return Problem.of(name, str(value), "finite numbers", "leave it out")
    return None


def _values(document: object) -> Iterator[tuple[object, int]]:
    """Yield every value with its depth; without recursion, because the depth is not bounded yet."""
    waiting = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting.extend((one, depth + 1) for one in inside)
