"""The figures of docs/reliability.md, counted anew."""

import collections
import gc
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import batched
from multiprocessing import get_context

from tests.faults.faults import Fault
from tests.faults.flood import Flooded, Throttled, flood, rollbacks
from tests.faults.flows import FLOWS
from tests.faults.matrix import Shot, broken, course, every_shot
from tests.faults.races import RACES
from tests.faults.races import broken as broken_race

DOUBLES = 500
SCHEDULES = 128
"""Of each race."""
COMMANDS = 200
_BATCH = 50


@dataclass(frozen=True)
class Figures:
    """The number of runs, and the violations found."""

    boundaries: dict[str, int]
    singles: dict[str, int]
    """Faults injected, by kind."""
    broken_singles: list[str]
    doubles: int
    broken_doubles: list[str]
    schedules: dict[str, int]
    broken_schedules: list[str]
    floods: list[Flooded]
    rollbacks: Throttled

    @property
    def broken(self) -> list[str]:
        """Everything that did not hold."""
        floods = [what for flooded in self.floods for what in flooded.broken]
        singles, doubles, orders = self.broken_singles, self.broken_doubles, self.broken_schedules
        return [*singles, *doubles, *orders, *floods, *self.rollbacks.broken]


def count(step: int = 1) -> Figures:
    """Do everything, or every nth single fault; all of it takes a small machine's two processors a quarter of an hour.

    Processes are forked from this one, so that each has every flow's scenes; what they share is no garbage.
    """
    singles = every_shot()[::step]
    doubles = pairs(singles, DOUBLES)
    orders = [(number, seed) for number in range(len(RACES)) for seed in range(SCHEDULES)]
    gc.freeze()
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        broken_schedules = _each(pool, "orders", _race, orders)
        throttled = pool.submit(rollbacks, COMMANDS)
        floods = [pool.submit(flood, 1_000, 100, 1, throttled) for throttled in (0.0, 0.5)]
        broken_doubles = _each(pool, "double faults", _fire, _placed(doubles))
        broken_singles = _each(pool, "single faults", _fire, _placed(singles))
        return Figures(
            boundaries={flow.name: len(course(flow).points) for flow in FLOWS},
            singles=dict(collections.Counter(shot.faults[0].kind.value for shot in singles)),
            schedules={race.name: SCHEDULES for race in RACES},
            broken_schedules=list(broken_schedules),
            rollbacks=_said(throttled.result()),
            floods=[_said(one.result()) for one in floods],
            doubles=len(doubles),
            broken_doubles=list(broken_doubles),
            broken_singles=list(broken_singles),
        )


def _each[T](
    pool: ProcessPoolExecutor, what: str, do: Callable[[tuple[T, ...]], list[str]], some: Sequence[T]
) -> Iterator[str]:
    """Do each of some in the pool; return what does not hold, and print the progress, because it takes long."""
    began, batches = time.monotonic(), list(batched(some, _BATCH, strict=False))
    results = pool.map(do, batches)
    return _shown(what, len(some), began, zip(batches, results, strict=True))


def _shown(
    what: str, number: int, began: float, results: Iterable[tuple[Sequence[object], list[str]]]
) -> Iterator[str]:
    done = 0
    for batch, broken_ones in results:
        done += len(batch)
        passed = time.monotonic() - began
        print(f"{what}: {done:,} of {number:,}, {passed:.0f} s", *broken_ones, sep="\n", file=sys.stderr, flush=True)
        yield from broken_ones


def _said[T](result: T) -> T:
    print(result, file=sys.stderr, flush=True)
    return result


def pairs(singles: Sequence[Shot], number: int) -> list[Shot]:
    """Two faults of one flow, by chance."""
    chance, found = random.Random(6), []
    by_flow = {flow.name: [shot for shot in singles if shot.flow is flow] for flow in FLOWS}
    for _ in range(number):
        first, second = chance.sample(by_flow[chance.choice(FLOWS).name], 2)
        found.append(Shot(first.flow, first.faults + second.faults))
    return found


def _placed(shots: Iterable[Shot]) -> list[tuple[int, tuple[Fault, ...]]]:
    """Shots with the flow by its place: a flow's functions cannot be sent to another process."""
    return [(FLOWS.index(shot.flow), shot.faults) for shot in shots]


def _fire(placed: tuple[tuple[int, tuple[Fault, ...]], ...]) -> list[str]:
    return broken([Shot(FLOWS[place], faults) for place, faults in placed])


def _race(orders: tuple[tuple[int, int], ...]) -> list[str]:
    return [what for number, seed in orders for what in broken_race(RACES[number], (seed,))]
