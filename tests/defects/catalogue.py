"""The ways in which Dropshift is broken on purpose, read from the diffs beside this file.

A heading names a file of tests. Each hunk below it is a defect: `@@ place @@ name`, the lines before and after it, and
behind `>` the tests that must go red, of the heading's file if they name none. Without a `>`, all of that file count.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.defects.breaking import Defect


def _read(path: Path) -> Iterator[Defect]:
    _, *sections = path.read_text().strip().split("\n\n")
    for section in sections:
        tests, *hunks = section.split("\n@@ ")
        yield from (_defect(tests, hunk) for hunk in hunks)


def _defect(tests: str, hunk: str) -> Defect:
    head, *lines = hunk.split("\n")
    place, name = head.split(" @@ ")
    old, new = ("\n".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +"))
    named = (line.removeprefix("> ") for line in lines if line[0] == ">")
    return Defect(name, place, old, new, tuple(_full(tests, one) for one in named) or (tests,))


def _full(tests: str, name: str) -> str:
    return name if name.startswith("tests/") else f"{tests}::{name}"


DEFECTS = tuple(defect for path in sorted(Path(__file__).parent.glob("*.diff")) for defect in _read(path))
