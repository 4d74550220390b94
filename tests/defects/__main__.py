"""`make defects`: break the product in every way of the catalogue; 1 unless the suite catches each.

All of them together also write their figure into docs/reliability.md. One is tried with --only, a few with --sample.
"""

import argparse
import queue
import random
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests import figures_page
from tests.defects.breaking import Copy, Defect, Outcome, Result
from tests.defects.catalogue import DEFECTS

type Copies = queue.SimpleQueue[Copy]


def main() -> int:
    """Show that the tests are green, then what each defect does to them."""
    wanted = _arguments()
    chosen = _chosen(wanted)
    if not chosen:
        print(f'no defect has "{wanted.only}" in its name', file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="defects-") as directory:
        copies: Copies = queue.SimpleQueue()
        for number in range(wanted.jobs):
            copies.put(Copy.make(Path(directory) / str(number)))
        if not _sound(chosen, copies):
            return 1
        outcomes = [_tell(defect, result) for defect, result in _tried(chosen, copies, wanted.jobs)]
    caught = outcomes.count(Outcome.CAUGHT)
    print(f"{caught} of {len(outcomes)} seeded defects caught")
    if len(chosen) == len(DEFECTS):
        figures_page.write("make defects", f"{caught} of {len(outcomes)} are caught.")
    return 0 if set(outcomes) == {Outcome.CAUGHT} else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.defects", description=__doc__)
    parser.add_argument("--only", metavar="NAME", default="", help="only defects whose name has this in it")
    parser.add_argument("--sample", metavar="COUNT", type=int, help="only so many, other ones each time")
    parser.add_argument("--jobs", type=int, default=2, help="copies of the tree to work in at once [2]")
    return parser.parse_args()


def _chosen(wanted: argparse.Namespace) -> list[Defect]:
    chosen = [defect for defect in DEFECTS if wanted.only in defect.name]
    return chosen if wanted.sample is None else random.sample(chosen, min(wanted.sample, len(chosen)))


@contextmanager
def _lent(copies: Copies) -> Iterator[Copy]:
    copy = copies.get()
    try:
        yield copy
    finally:
        copies.put(copy)


def _sound(chosen: list[Defect], copies: Copies) -> bool:
    """Return whether all the tests are green before anything is broken: a red test proves nothing afterwards."""
    tests = tuple(dict.fromkeys(test for defect in chosen for test in defect.tests))
    with _lent(copies) as copy:
        code, said = copy.run(tests)
    print(f"{'green' if code == 0 else 'NOT GREEN'} without a defect: {said}", flush=True)
    return code == 0


def _tried(chosen: list[Defect], copies: Copies, jobs: int) -> Iterator[tuple[Defect, Result]]:
    def try_out(defect: Defect) -> Result:
        with _lent(copies) as copy:
            return copy.try_out(defect)

    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(chosen, pool.map(try_out, chosen), strict=True)


def _tell(defect: Defect, result: Result) -> Outcome:
    print(f"{result.outcome:<8} {defect.name}\n         {result.said}", flush=True)
    return result.outcome


if __name__ == "__main__":
    sys.exit(main())
