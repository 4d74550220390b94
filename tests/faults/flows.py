"""The flows of releases: what is there before, and what happens."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from tests.faults.wiring import inhabited, settings
from tests.faults.world import World

STAGES = '[rollout]\nstages = [{ weight = 10, bake = "2s" }, { weight = 50, bake = "1s" }]\n'
ALARM = "dropshift-app-orders-errors"


@dataclass(frozen=True)
class Flow:
    """One flow: `before` happens without faults."""

    name: str
    before: Callable[[World], None]
    act: Callable[[World], None]


def _nothing(_world: World) -> None:
    pass


def live(world: World) -> None:
    world.drop("1.0")
    world.run()


def two_live(world: World) -> None:
    live(world)
    world.drop("1.1", STAGES)
    world.run()


def _release(world: World) -> None:
    world.drop("1.1", STAGES)
    world.run()


def _mid_bake(then: Callable[[World], object]) -> Callable[[World], None]:
    def act(world: World) -> None:
        world.drop("1.1", STAGES)
        world.run(until=world.shifting)
        then(world)
        world.run()

    return act


def _failing(world: World) -> None:
    world.account.cloudwatch.failing = {"3"}
    _release(world)


def _broken(world: World) -> None:
    world.drop("1.1-broken", STAGES)
    world.run()


def _refused(world: World) -> None:
    world.drop("1.1", body=b"PK\x03\x04 this is no archive")
    world.run()


def four_live(world: World) -> None:
    two_live(world)
    for name in ("1.2", "1.3"):
        world.drop(name, STAGES)
        world.run()


def _redeploy(world: World) -> None:
    world.command("rollback", to="1.0")
    world.command("redeploy", release="1.1", force=True)
    world.run()


def _concurrency(world: World) -> None:
    world.drop("1.1", f"{STAGES}[resources]\nprovisioned-concurrency = 2\n")
    world.run()
    world.command("rollback")


def _stop(world: World) -> None:
    """An operator stops the execution that is shifting; the service runs no compensation."""
    for execution in world.executions.values():
        if execution.status == "RUNNING":
            world.stop(execution)


FLOWS = (
    Flow("first release", _nothing, live),
    Flow("release", live, _release),
    Flow("alarm goes red", live, _mid_bake(lambda world: world.alarm(ALARM, "ALARM"))),
    Flow("calls fail", live, _failing),
    Flow("smoke failure", live, _broken),
    Flow("manual rollback", two_live, lambda world: world.command("rollback")),
    Flow("rollback mid-bake", live, _mid_bake(lambda world: world.command("rollback"))),
    Flow("promote", live, _mid_bake(lambda world: world.command("promote"))),
    Flow("promote in full", live, _mid_bake(lambda world: world.command("promote", full=True))),
    Flow("abort mid-bake", live, _mid_bake(lambda world: world.command("abort"))),
    Flow("superseding drop", live, _mid_bake(lambda world: world.drop("1.2", STAGES))),
    Flow("prune", four_live, lambda world: world.command("prune", keep=1)),
    Flow("redeploy", two_live, _redeploy),
    Flow("provisioned concurrency", live, _concurrency),
    Flow("refused archive", live, _refused),
    Flow("dead execution", live, _mid_bake(_stop)),
)


@cache
def _prepared(flow: Flow) -> World:
    world = World(settings())
    with inhabited(world):
        flow.before(world)
    world.account.calls.clear()
    return world


def prepared(flow: Flow) -> World:
    """A world as it is before the flow; its calls are counted from one."""
    return copy.deepcopy(_prepared(flow))
