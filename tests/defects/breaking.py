"""Break a copy of the tree, run tests in it, mend it. The tree itself is never touched."""

import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from tests.defects import places

ROOT = Path(__file__).resolve().parents[2]
_LENT = (".venv", ".venv-sam", "build")
"""Large, and only read: the copy has links to them."""
_TESTS_FAILED = 1
"""Pytest's exit code for tests that ran and failed; a defect that cannot even be imported proves nothing."""
_LONGEST = 600.0
"""Seconds for a run of tests."""


@dataclass(frozen=True)
class Defect:
    """One way to break the product, and the tests that have to notice.

    The place is the dotted end of a definition's name, such as `Alias.promote`, or the path of a file. The old text
    stands once in all places of that name: in a definition however it is wrapped and indented, in a file exactly so.
    """

    name: str
    place: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, root: Path) -> tuple[Path, str]:
        """Return the file that the defect changes, and its text with the defect in it. Only reads."""
        found = [(place, *span) for place in places.find(root, self.place) for span in self._spans(place)]
        if len(found) != 1:
            raise places.StaleError(f'"{self.name}": its old text is {len(found)} times in {self.place}, not once')
        [(place, start, end)] = found
        text = place.file.read_text()
        new = self.new if place.whole else _indented(self.new, text[:start])
        return place.file, text[:start] + new + text[end:]

    def _spans(self, place: places.Place) -> list[tuple[int, int]]:
        pattern = re.compile(re.escape(self.old)) if place.whole else _anyhow_wrapped(self.old)
        return [match.span() for match in pattern.finditer(place.file.read_text(), place.start, place.end)]


def _indented(code: str, before: str) -> str:
    """Return code with its later lines indented like the last line of what is before it."""
    line = before.rpartition("\n")[2]
    return textwrap.dedent(code).strip().replace("\n", "\n" + line[: len(line) - len(line.lstrip())])


def _anyhow_wrapped(code: str) -> re.Pattern[str]:
    """Match code whatever the white space between its words and signs is, and with or without a last comma."""
    first, *others = re.findall(r"\w+|[^\w\s]", code)
    pattern = re.escape(first)
    for piece in others:
        word = re.fullmatch(r"\w", pattern[-1]) and re.match(r"\w", piece)
        between = r"\s+" if word else r"\s*,?\s*" if piece in ")]}" else r"\s*"
        pattern += between + re.escape(piece)
    return re.compile(pattern)


class Outcome(StrEnum):
    """The outcome of a defect."""

    CAUGHT = "caught"
    MISSED = "MISSED"
    STALE = "STALE"
    UNCLEAR = "UNCLEAR"


@dataclass(frozen=True)
class Result:
    """A defect's outcome, and pytest's last line."""

    outcome: Outcome
    said: str


@dataclass(frozen=True)
class Copy:
    """A copy of the tree as it is now, uncommitted files included."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Self:
        """Copy what git knows or would take."""
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        for name in _LENT:
            if (ROOT / name).exists():
                (root / name).symlink_to(ROOT / name)
        return cls(root)

    def try_out(self, defect: Defect) -> Result:
        """Run a defect's tests with the defect in place."""
        try:
            with self._broken(defect):
                code, said = self.run(defect.tests)
        except places.StaleError as error:
            return Result(Outcome.STALE, str(error))
        outcome = {0: Outcome.MISSED, _TESTS_FAILED: Outcome.CAUGHT}.get(code, Outcome.UNCLEAR)
        return Result(outcome, said)

    @contextmanager
    def _broken(self, defect: Defect) -> Iterator[None]:
        path, broken = defect.applied(self.root)
        text = path.read_text()
        path.write_text(broken)
        try:
            yield
        finally:
            path.write_text(text)

    def run(self, tests: tuple[str, ...]) -> tuple[int, str]:
        """Run tests up to the first failure; return the exit code and the end of pytest's output."""
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
        try:
            ran = subprocess.run(
                [*command, *tests], cwd=self.root, capture_output=True, text=True, check=False, timeout=_LONGEST
            )
        except subprocess.TimeoutExpired:
            return -1, f"no end after {_LONGEST:g} s"
        said = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return ran.returncode, (said or ran.stdout.splitlines()[-1:] or [ran.stderr[-300:]])[0]
