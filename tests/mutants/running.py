"""Make the mutants, have mypy refuse what it can, and run the quick tests on the others, by mutmut.

mutmut writes beside what it reads, so it works in a folder of links under build/. Every mutant is tried in a fork of
a process that has imported everything and run nothing: what a test keeps for the next one was made by the mutant.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mutmut import __main__ as mutmut
from mutmut.mutation.data import MutantLineSpans, SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.runners.harness import PytestRunner
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import copy_src_dir, walk_mutatable_files
from mutmut.utils.format_utils import get_mutant_name, orig_function_and_class_names_from_key
from mutmut.workers.isolation import ForkRunner, ForkServerRunner

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "mutants"
_LINKS = ("bootstrap", "deployer", "docs", "events", "pyproject.toml", "template.yaml", "tests")
_REFUSED = 37
"""mutmut's number for what a type checker refuses."""
_MOST_TESTS = 80
"""Tests that try one mutant, the quickest first; a call of AWS that every flow makes is reached by hundreds."""


@dataclass(frozen=True)
class Mutant:
    """One change of one function."""

    name: str
    folder: str
    """Of deployer/."""
    status: str
    """In mutmut's words: killed, survived, timeout, caught by type check, not checked."""
    path: Path

    def change(self) -> str:
        """Return the file and function, and the lines before and after the change."""
        with chdir(WORK):
            lines = get_diff_for_mutant(self.name, path=self.path).splitlines()
        changed = [line for line in lines[2:] if line.startswith(("-", "+"))]
        function = orig_function_and_class_names_from_key(self.name)[0]
        return "\n".join([f"{self.path.relative_to('deployer')}: {function}", *changed])


def found() -> list[Mutant]:
    """Return every mutant and how it fared, in the order in which they are tried: by chance, but always the same."""
    with chdir(WORK):
        return sorted(_mutants(), key=lambda mutant: sha256(mutant.name.encode()).digest())


def _mutants() -> Iterator[Mutant]:
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for name, code in data.exit_code_by_key.items():
            yield Mutant(name, path.parts[1], status_by_exit_code[code], path)


def make(jobs: int) -> None:
    """Make the mutants, and mark those that mypy refuses: they could not land, and no test has to run on them."""
    _lay_links()
    with chdir(WORK):
        copy_src_dir()
        mutmut.create_mutants(jobs)
        refused = set(_refused())
        for path in walk_mutatable_files():
            data = SourceFileMutationData(path=path)
            data.load()
            for name, code in data.exit_code_by_key.items():
                if name in refused or code == _REFUSED:
                    data.exit_code_by_key[name] = _REFUSED if name in refused else None
            data.save()


def _refused() -> Iterator[str]:
    """Run mypy on all mutants at once: each is a function of its own beside the one that it changes."""
    places = {str(path): MutantLineSpans.load(path) for path in walk_mutatable_files()}
    command = [sys.executable, "-m", "mypy", "--output", "json", "--disable-error-code", "unused-ignore", *places]
    checked = subprocess.run(command, cwd="mutants", capture_output=True, text=True, check=False)
    if checked.returncode not in (0, 1):
        raise RuntimeError(checked.stderr)
    for error in map(json.loads, filter(None, checked.stdout.splitlines())):
        spans = places.get(error["file"])
        if spans and error["severity"] == "error":
            for function, span in spans.span_by_function_name.items():
                if span.start <= error["line"] <= span.end:
                    yield get_mutant_name(Path(error["file"]), function)


def run(names: Iterable[str], jobs: int, until: float) -> None:
    """Try these mutants in this order, until a time of the monotonic clock."""
    place = {name: number for number, name in enumerate(names)}
    with chdir(WORK):
        shutil.rmtree("mutants/tests", ignore_errors=True)
        _forget_these_tests()
        vars(mutmut)["get_mutant_runner"] = lambda _children=jobs: _Runner(jobs, until)
        vars(mutmut)["estimated_worst_case_time"] = place.__getitem__  # by which mutmut sorts them
        mutmut._run(tuple(place), jobs)  # noqa: SLF001 - what `mutmut run` calls


def _forget_these_tests() -> None:
    """Have pytest import the tests that lie beside the mutants, and not those that this module is one of."""
    sys.path[:] = [one for one in sys.path if Path(one).resolve() != ROOT]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]


def _lay_links() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    for name in _LINKS:
        link = WORK / name
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / name)


class _Runner(ForkRunner):
    """mutmut's own, which runs no test in the process that it forks, and ends in time."""

    def __init__(self, jobs: int, until: float) -> None:
        super().__init__(jobs, PytestRunner())
        self._until = until
        self._apart = ForkServerRunner(1, PytestRunner, {})

    def collect_stats(self, tests: Iterable[str] | None) -> int:
        return self._apart.collect_stats(tests)

    def run_clean_tests(self, tests: Iterable[str]) -> int:  # noqa: ARG002 - they were green when their reach was measured
        self.test_runner.warm_up()
        return 0

    def run_forced_fail(self) -> int:
        return 1  # it would run tests here; that mutants die shows as much

    def submit(self, mutant_name: str, tests: list[str], cpu_time_limit: int, estimated_time: float) -> None:
        if time.monotonic() > self._until:
            raise KeyboardInterrupt
        quickest = sorted(tests, key=lambda test: state().duration_by_test[test])[:_MOST_TESTS]
        super().submit(mutant_name, quickest, cpu_time_limit, estimated_time)
