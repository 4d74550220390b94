"""`make faults`: do it all, and write the figures into docs/reliability.md; with a number n, every nth single fault."""

import sys
from collections.abc import Iterator, Mapping

from tests import figures_page
from tests.faults.figures import Figures, count
from tests.faults.flood import Flooded, Throttled


def main() -> int:
    """Count, write, and fail when anything did not hold."""
    step = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    figures = count(step)
    text = "\n\n".join(
        "\n".join(part)
        for part in (
            _whole(figures, step),
            _boundaries("Fault", figures.singles),
            _boundaries("Flow", figures.boundaries),
        )
    )
    figures_page.write("make faults", text)
    print(text, *figures.broken, sep="\n")
    return 1 if figures.broken else 0


def _whole(figures: Figures, step: int) -> Iterator[str]:
    boundaries = sum(figures.boundaries.values())
    share = f", one in {step}," if step > 1 else ""
    single = f"Single faults{share} at {boundaries:,} boundaries of {len(figures.boundaries)} flows"
    yield "| What | How many | Violations |"
    yield "|---|---:|---:|"
    yield _row(single, sum(figures.singles.values()), len(figures.broken_singles))
    yield _row("Two faults of a flow, by chance", figures.doubles, len(figures.broken_doubles))
    races = f"Orders of {len(figures.schedules)} races, one process in a hundred calls killed in every fourth"
    yield _row(races, sum(figures.schedules.values()), len(figures.broken_schedules))
    for flooded in figures.floods:
        yield _row(_flood(flooded), flooded.drops, len(flooded.broken))
    yield _row(_rollbacks(figures.rollbacks), figures.rollbacks.commands, len(figures.rollbacks.broken))


def _row(what: str, number: int, broken: int) -> str:
    return f"| {what} | {number:,} | {broken} |"


def _flood(outcome: Flooded) -> str:
    ends = ", ".join(f"{number} {status}" for status, number in outcome.ends.items())
    killed = f"{outcome.killed:,} of {outcome.processes:,} processes killed, {outcome.throttled:,} calls throttled"
    return f"Drops in a flood: {killed}; {outcome.lost} lost, {outcome.promoted_twice} promoted twice; {ends}"


def _rollbacks(outcome: Throttled) -> str:
    writes = " or ".join(str(number) for number in outcome.writes)
    done = f"{outcome.at_once} answered at the first try, {outcome.completed} within three, alias writes each: {writes}"
    return f"Rollbacks by hand with half of all calls throttled: {done}"


def _boundaries(of: str, counted: Mapping[str, int]) -> Iterator[str]:
    yield f"| {of} | Boundaries |"
    yield "|---|---:|"
    for name, number in counted.items():
        yield f"| {name} | {number:,} |"


if __name__ == "__main__":
    sys.exit(main())
