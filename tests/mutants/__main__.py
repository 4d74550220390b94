"""`make mutants`: change the code in every small way that mutmut knows; write the figures into docs/reliability.md.

Results are kept in build/mutants. A mutant is tried again when its function has changed.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from math import inf

from tests import figures_page
from tests.mutants import running
from tests.mutants.kinds import KINDS, Kind, kind_of
from tests.mutants.running import Mutant

_REFUSED = "caught by type check"
_KILLED = ("killed", "timeout", "segfault")
_SURVIVED = ("survived", "no tests")
_OPEN = ("not checked", "check was interrupted by user")


def main() -> int:
    """Try what was asked for, show what survived, and write the table."""
    wanted = _arguments()
    until = time.monotonic() + 60 * wanted.minutes
    if not wanted.report:
        running.make(wanted.jobs)
        if names := _chosen(wanted):
            running.run(names, wanted.jobs, until)
    found = running.found()
    for mutant in found:
        if mutant.status in _SURVIVED and fnmatch(mutant.name, wanted.only) and not kind_of(mutant.change()):
            print(f"{mutant.status}: {mutant.name}\n{mutant.change()}\n")
    tables = "\n".join(_table(found))
    print(tables)
    if not wanted.no_page:
        figures_page.write("make mutants", tables)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", metavar="COUNT", type=int, help="only so many, the same ones each time")
    parser.add_argument("--minutes", type=float, default=inf, help="begin none after so many; the next run goes on")
    parser.add_argument("--only", metavar="PATTERN", default="*", help="only mutants whose name is like this")
    parser.add_argument("--again", action="store_true", help="also those that survived before")
    parser.add_argument("--jobs", type=int, default=2, help="processes [2]")
    parser.add_argument("--report", action="store_true", help="try none; list and count what was tried before")
    parser.add_argument("--no-page", action="store_true", help="leave docs/reliability.md as it is")
    return parser.parse_args()


def _chosen(wanted: argparse.Namespace) -> list[str]:
    """Return the names of the mutants to try."""
    accepted = [one for one in running.found() if one.status != _REFUSED]
    statuses = (*_OPEN, *(_SURVIVED if wanted.again else ()))
    sample = accepted[: wanted.sample]
    return [one.name for one in sample if one.status in statuses and fnmatch(one.name, wanted.only)]


def _table(found: Sequence[Mutant]) -> Iterator[str]:
    """Return the lines of the page: by folder, then the survivors by kind."""
    accepted = [one for one in found if one.status != _REFUSED]
    tried = [one for one in accepted if one.status not in _OPEN]
    kinds = {one.name: kind_of(one.change()) for one in tried if one.status in _SURVIVED}
    yield "| Folder | Mutants | Refused by mypy | Tried | Killed | Survived | Without effect | Killed, of the rest |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for folder in (*sorted({one.folder for one in found}), "all"):
        yield _row(folder, *(_of(folder, group) for group in (found, accepted, tried)), kinds=kinds)
    yield ""
    yield "| Survivors | Mutants | Why |"
    yield "|---|---:|---|"
    counts = Counter(kind.name if kind else "" for kind in kinds.values())
    yield from (f"| {kind.name} | {counts[kind.name]} | {kind.reason} |" for kind in KINDS if counts[kind.name])
    yield f"| with an effect | {counts['']} | no test of these notices; the command lists them |"
    yield ""
    drawn = "" if len(tried) == len(accepted) else ", drawn by a digest of their names"
    yield f"{datetime.now(UTC):%d %B %Y}: {len(tried):,} of the {len(accepted):,} that mypy accepts{drawn}."


def _of(folder: str, mutants: Sequence[Mutant]) -> list[Mutant]:
    return [one for one in mutants if folder in (one.folder, "all")]


def _row(
    folder: str,
    found: Sequence[Mutant],
    accepted: Sequence[Mutant],
    tried: Sequence[Mutant],
    *,
    kinds: Mapping[str, Kind | None],
) -> str:
    killed = sum(one.status in _KILLED for one in tried)
    idle = sum(kinds.get(one.name) is not None for one in tried)
    share = f"{killed / (len(tried) - idle):.1%}" if killed else "none"
    cells = (len(found), len(found) - len(accepted), len(tried), killed, len(tried) - killed, idle)
    return f"| {folder} | {' | '.join(f'{cell:,}' for cell in cells)} | {share} |"


if __name__ == "__main__":
    sys.exit(main())
