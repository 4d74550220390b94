"""Break a copy of the tree, run tests in it, mend it. The tree itself is never touched."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
_LENT = (".venv", ".venv-sam", "build")
"""Large, and only read: the copy has links to them."""
_TESTS_FAILED = 1
"""Pytest's exit code for tests that ran and failed; a defect that cannot even be imported proves nothing."""
_LONGEST = 600.0
"""Seconds for a run of tests."""


class StaleError(LookupError):
    """The text that a defect replaces is not there once: the product has moved on, the catalogue has to follow."""


@dataclass(frozen=True)
class Defect:
    """One way to break the product, and the tests that have to notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """Pure: the text with the defect in it."""
        if text.count(self.old) != 1:
            raise StaleError(f'"{self.name}": its old text is {text.count(self.old)} times in {self.file}, not once')
        return text.replace(self.old, self.new)


class Outcome(StrEnum):
    """What became of a defect."""

    CAUGHT = "caught"
    MISSED = "MISSED"
    STALE = "STALE"
    UNCLEAR = "UNCLEAR"


@dataclass(frozen=True)
class Result:
    """A defect's outcome, and what pytest said last."""

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
        except StaleError as error:
            return Result(Outcome.STALE, str(error))
        outcome = {0: Outcome.MISSED, _TESTS_FAILED: Outcome.CAUGHT}.get(code, Outcome.UNCLEAR)
        return Result(outcome, said)

    @contextmanager
    def _broken(self, defect: Defect) -> Iterator[None]:
        path = self.root / defect.file
        text = path.read_text()
        path.write_text(defect.applied(text))
        try:
            yield
        finally:
            path.write_text(text)

    def run(self, tests: tuple[str, ...]) -> tuple[int, str]:
        """Run tests up to the first failure; the exit code and the end of what pytest said."""
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
        try:
            ran = subprocess.run(
                [*command, *tests], cwd=self.root, capture_output=True, text=True, check=False, timeout=_LONGEST
            )
        except subprocess.TimeoutExpired:
            return -1, f"no end after {_LONGEST:g} s"
        said = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return ran.returncode, (said or ran.stdout.splitlines()[-1:] or [ran.stderr[-300:]])[0]
