"""The figures of docs/reliability.md, counted anew."""

import collections
import random
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import batched

from tests.faults.flood import Flooded, Throttled, flood, rollbacks
from tests.faults.flows import FLOWS
from tests.faults.matrix import Shot, boundaries, broken, every_shot
from tests.faults.races import RACES
from tests.faults.races import broken as broken_race

DOUBLES = 500
SCHEDULES = 128
"""Of each race."""
COMMANDS = 200
_BATCH = 50


@dataclass(frozen=True)
class Figures:
    """What was done, and what did not hold."""

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
        floods = [what for told in self.floods for what in told.broken]
        return [*self.broken_singles, *self.broken_doubles, *self.broken_schedules, *floods]


def count(step: int = 1) -> Figures:
    """Do everything, or every nth single fault; all of it takes a small machine's two processors half an hour."""
    singles = every_shot()[::step]
    doubles = pairs(singles, DOUBLES)
    races = [
        (number, tuple(seeds))
        for number in range(len(RACES))
        for seeds in batched(range(SCHEDULES), _BATCH, strict=False)
    ]
    with ProcessPoolExecutor() as pool:
        floods = [pool.submit(flood, 1_000, 100, 1, throttled) for throttled in (0.0, 0.5)]
        throttled = pool.submit(rollbacks, COMMANDS)
        broken_races = list(pool.map(_race, races))
        broken_singles = list(pool.map(_fire, _places(singles)))
        broken_doubles = list(pool.map(_fire, _places(doubles)))
        return Figures(
            boundaries={flow.name: len(boundaries(flow)) for flow in FLOWS},
            singles=dict(collections.Counter(shot.faults[0].kind.value for shot in singles)),
            broken_singles=_together(broken_singles),
            doubles=len(doubles),
            broken_doubles=_together(broken_doubles),
            schedules={race.name: SCHEDULES for race in RACES},
            broken_schedules=_together(broken_races),
            floods=[one.result() for one in floods],
            rollbacks=throttled.result(),
        )


def pairs(singles: Sequence[Shot], number: int) -> list[Shot]:
    """Two faults of one flow, by chance."""
    chance, found = random.Random(6), []
    by_flow = {flow.name: [shot for shot in singles if shot.flow is flow] for flow in FLOWS}
    for _ in range(number):
        first, second = chance.sample(by_flow[chance.choice(FLOWS).name], 2)
        found.append(Shot(first.flow, first.faults + second.faults))
    return found


def _places(shots: Iterable[Shot]) -> list[tuple[tuple[int, Shot], ...]]:
    """Shots in batches, with the flow by its place: a flow's functions cannot be sent to another process."""
    placed = [(FLOWS.index(shot.flow), Shot(None, shot.faults)) for shot in shots]  # type: ignore[arg-type]  # put back there
    return list(batched(placed, _BATCH, strict=False))


def _fire(placed: tuple[tuple[int, Shot], ...]) -> list[str]:
    return _said(broken([Shot(FLOWS[place], shot.faults) for place, shot in placed]))


def _race(placed: tuple[int, tuple[int, ...]]) -> list[str]:
    return _said(broken_race(RACES[placed[0]], placed[1]))


def _said(found: list[str]) -> list[str]:
    """Say at once what does not hold; the whole takes long."""
    for what in found:
        print(what, file=sys.stderr)
    return found


def _together(lists: Iterable[list[str]]) -> list[str]:
    return [what for one in lists for what in one]
