"""Races: what people, events, rollouts and strangers can do at the same time, in as many orders as there are seeds."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.deployment import AT_ONCE
from tests.faults.account import Call
from tests.faults.faults import Kind
from tests.faults.flows import ALARM, STAGES, four_live, live, mid_bake, prepared, two_live
from tests.faults.invariants import violations
from tests.faults.schedule import Schedule
from tests.faults.wiring import inhabited
from tests.faults.world import World

DEATH = 0.01
"""Chance of a process to be killed at an attempt, in every fourth schedule."""


def _say(action: str, **fields: object) -> Callable[[World], object]:
    return lambda world: world.command(action, **fields)


def _drop(name: str, table: str = STAGES) -> Callable[[World], object]:
    return lambda world: world.drop(name, table)


def _by_hand(**change: object) -> Callable[[World], object]:
    return lambda world: world.foreign(**change)


def _stop_newest(world: World) -> None:
    world.stop(list(world.executions.values())[-1])


def _alarm(world: World) -> None:
    world.alarm(ALARM, "ALARM")


_REDEPLOY = _say("redeploy", release="1.0")
_SPLIT = {"RoutingConfig": {"AdditionalVersionWeights": {"3": 0.3}}, "FunctionVersion": "2"}
_BACK = {"RoutingConfig": {"AdditionalVersionWeights": {}}, "FunctionVersion": "2"}
_AS_DECLARED = {"RoutingConfig": {"AdditionalVersionWeights": {}}, "FunctionVersion": "1", "Description": ""}
"""The alias as a stack that declares it writes it again: the first version, and no state."""


@dataclass(frozen=True)
class Race:
    """The scene at the start, and the processes; rollouts that are under way run, too."""

    name: str
    before: Callable[[World], None]
    runners: tuple[Callable[[World], object], ...]


RACES = (
    Race("promote, abort", mid_bake, (_say("promote", full=True), _say("abort"))),
    Race("promote, roll back, pause", mid_bake, (_say("promote"), _say("rollback"), _say("pause"), _say("resume"))),
    Race("two drops", live, (_drop("1.1"), _drop("1.2"))),
    Race("two drops, abort", live, (_drop("1.1"), _drop("1.2"), _say("abort"), _say("abort"))),
    Race("two drops all at once", live, (_drop("1.1", AT_ONCE), _drop("1.2", AT_ONCE), _drop("1.3", AT_ONCE))),
    Race("a drop during a rollback", two_live, (_drop("1.2"), _say("rollback"))),
    Race("a rollback and an abort during publish", two_live, (_drop("1.2"), _say("rollback"), _say("abort"))),
    Race("a stranger splits mid-bake, promote", mid_bake, (_by_hand(**_SPLIT), _say("promote"))),
    Race("a stranger goes back mid-bake, abort", mid_bake, (_by_hand(**_BACK), _say("abort"))),
    Race("CloudFormation puts back what it declared mid-bake", mid_bake, (_by_hand(**_AS_DECLARED), _say("promote"))),
    Race("CloudFormation puts back what it declared, a drop", two_live, (_by_hand(**_AS_DECLARED), _drop("1.2"))),
    Race("an alarm, promote in full", mid_bake, (_alarm, _say("promote", full=True))),
    Race("a drop and an abort mid-bake", mid_bake, (_drop("1.2"), _say("abort"))),
    Race("a dead execution, promote", mid_bake, (_stop_newest, _say("promote"))),
    Race("a dead execution, a drop", mid_bake, (_stop_newest, _drop("1.2"))),
    Race("prune, roll back", four_live, (_say("prune", keep=1), _say("rollback", to="1.1"))),
    Race("prune, a drop", four_live, (_say("prune", keep=1), _drop("1.4"))),
    Race("two prunes, redeploy", four_live, (_say("prune", keep=1), _say("prune", keep=2), _REDEPLOY)),
)


def _deadly(seed: int) -> Callable[[Call], Kind | None]:
    chance = random.Random(seed)
    deaths = (Kind.KILLED_BEFORE, Kind.KILLED_AFTER)
    return lambda _call: chance.choice(deaths) if chance.random() < DEATH else None


def run(race: Race, seed: int) -> World:
    """Run a race in the order of a seed, then drive everything again."""
    with inhabited(prepared(race.before)) as world:
        schedule = Schedule(world, seed)
        if seed % 4 == 3:
            world.account.chance = _deadly(seed)
        for runner in race.runners:
            schedule.add("somebody", lambda act=runner: act(world))  # type: ignore[misc]  # bound now
        schedule.run()
        world.drive_again()
    return world


def broken(race: Race, seeds: Sequence[int]) -> list[str]:
    """Return the violations after some orders of a race."""
    return [f"{race.name}, seed {seed}: {what}" for seed in seeds for what in violations(run(race, seed))]
