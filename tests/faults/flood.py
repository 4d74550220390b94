"""A flood of drops, and a rollback while half of everything is throttled."""

import collections
import random
from dataclasses import dataclass

from deployer.model.alias import AliasState
from tests.faults.account import Call
from tests.faults.faults import Kind
from tests.faults.flows import Act, named, play, prepared
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited, settings
from tests.faults.world import TRIES, World

DEATHS = 0.2
"""Share of the processes that are to be killed; half of them end before."""
THROTTLED = 0.5
_STAGE = '[rollout]\nstages = [{ weight = 20, bake = "1s" }]\n'


@dataclass(frozen=True)
class Flooded:
    """The outcome of a flood."""

    drops: int
    processes: int
    killed: int
    throttled: int
    ends: dict[str, int]
    lost: int
    promoted_twice: int
    broken: tuple[str, ...]


class Weather:
    """Kills a share of the processes at a call by chance, and throttles a share of the control plane's calls."""

    def __init__(self, world: World, chance: random.Random, throttled: float) -> None:
        self._world, self._chance, self._throttled = world, chance, throttled
        self._process = self._calls_left = 0
        self.killed = self.throttled = 0

    def __call__(self, call: Call) -> Kind | None:
        if self._process != self._world.account.process:
            self._process = self._world.account.process
            self._calls_left = self._chance.randrange(1, 12) if self._chance.random() < DEATHS else 0
        if self._calls_left:
            self._calls_left -= 1
            if not self._calls_left:
                self.killed += 1
                return self._chance.choice((Kind.KILLED_BEFORE, Kind.KILLED_AFTER))
        if call.service == "lambda" and self._chance.random() < self._throttled:
            self.throttled += 1
            return Kind.THROTTLED
        return None


def flood(drops: int, applications: int, seed: int, throttled: float = 0.0) -> Flooded:
    """Drop many archives, have every event come three times in any order, kill, throttle; then drive again."""
    chance = random.Random(seed)
    world = World(settings(), tuple(f"app-{number}" for number in range(applications)))
    weather = Weather(world, chance, throttled)
    with inhabited(world):
        for number in range(drops):
            world.drop(f"release-{number}", _STAGE, application=f"app-{number % applications}")
        for drop in world.drops * 2:
            world.notify(drop)
        chance.shuffle(world.inbox)
        world.account.chance = weather
        world.run(turns=100 * drops)
        world.drive_again()
    return _outcome(world, weather)


def _outcome(world: World, weather: Weather) -> Flooded:
    records = [world.record(drop) for drop in world.drops]
    ends = collections.Counter(record.status.value for record in records if record and record.status.final)
    lost, twice = len(world.drops) - sum(ends.values()), _promoted_twice(world)
    misses = [f"{lost} drops have no end"] * bool(lost) + [f"{one} was promoted twice" for one in twice]
    return Flooded(
        drops=len(world.drops),
        processes=world.account.process,
        killed=weather.killed,
        throttled=weather.throttled,
        ends=dict(sorted(ends.items())),
        lost=lost,
        promoted_twice=len(twice),
        broken=(*violations(world), *misses),
    )


def _promoted_twice(world: World) -> list[tuple[str, str]]:
    """Releases that were made the stable version more than once."""
    promotions: collections.Counter[tuple[str, str]] = collections.Counter()
    for move in world.account.lambda_.moves:
        before, after = AliasState.parse(move.note_before), AliasState.parse(move.note_after)
        if after and after.stable != (before.stable if before else None):
            promotions[move.function, after.stable] += 1
    return [release for release, count in promotions.items() if count > 1]


@dataclass(frozen=True)
class Throttled:
    """Rollbacks by hand while half of all calls are throttled."""

    commands: int
    at_once: int
    """Answered at the person's first try."""
    completed: int
    """Answered within three tries."""
    writes: tuple[int, ...]
    """Writes of the alias by each."""

    @property
    def broken(self) -> list[str]:
        """Return the violations: each has to end within three tries and write the alias once."""
        unfinished, writes = self.commands - self.completed, [number for number in self.writes if number != 1]
        found = [f"{unfinished} throttled rollbacks did not end"] * bool(unfinished)
        return found + [f"a throttled rollback wrote the alias {number} times" for number in writes]


def rollbacks(commands: int) -> Throttled:
    """Roll back by hand, over and over, while half of all calls are throttled."""
    flow = named("manual rollback")
    worlds = [_rollback(prepared(flow.before), seed, flow.acts) for seed in range(commands)]
    before = len(prepared(flow.before).account.lambda_.moves)
    back = [world for world in worlds if world.alias().traffic == {"2": 100} and len(world.escaped) < TRIES]
    return Throttled(
        commands,
        at_once=sum(1 for world in back if not world.escaped),
        completed=len(back),
        writes=tuple(sorted({len(world.account.lambda_.moves) - before for world in worlds})),
    )


def _rollback(world: World, seed: int, acts: tuple[Act, ...]) -> World:
    chance = random.Random(seed)
    with inhabited(world):
        world.account.chance = lambda _call: Kind.THROTTLED if chance.random() < THROTTLED else None
        for _ in play(world, acts):
            pass
    return world
