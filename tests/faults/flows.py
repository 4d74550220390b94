"""The flows of releases: what is there before, and what happens."""

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tests.faults.account import BUNDLES
from tests.faults.buckets import Stored
from tests.faults.wiring import inhabited, settings
from tests.faults.world import World

STAGES = '[rollout]\nstages = [{ weight = 10, bake = "2s" }, { weight = 50, bake = "1s" }]\n'
ALARM = "dropshift-app-orders-errors"
NO_ARCHIVE = b"PK\x03\x04 this is no archive"

type Act = Callable[[World], bool]
"""Something that happens; whether it is to be repeated. A world that was copied in between can go on from there."""


@dataclass(frozen=True)
class Flow:
    """One flow: `before` happens without faults."""

    name: str
    before: Callable[[World], None]
    acts: tuple[Act, ...]


def play(world: World, acts: Sequence[Act]) -> Iterator[int]:
    """Let acts happen one after the other; whenever no process runs, yield the number of the one that comes next."""
    for number, act in enumerate(acts):
        yield number
        while act(world):
            yield number


def _once(do: Callable[[World], object]) -> Act:
    def act(world: World) -> bool:
        do(world)
        return False

    return act


def _until_shifting(world: World) -> bool:
    return not world.shifting() and world.happen()


def _nothing(_world: World) -> None:
    pass


def live(world: World) -> None:
    world.released("1.0")


def two_live(world: World) -> None:
    live(world)
    world.released("1.1", STAGES)


def mid_bake(world: World) -> None:
    """Release 1.1 has the traffic of its first stage."""
    live(world)
    world.drop("1.1", STAGES)
    world.run(until=world.shifting)


def _drop(release: str, table: str = STAGES, **more: Any) -> Act:  # noqa: ANN401 - as World.drop takes
    return _once(lambda world: world.drop(release, table, **more))


def _say(action: str, **fields: object) -> Act:
    return _once(lambda world: world.command(action, **fields))


def _mid_bake(then: Act) -> tuple[Act, ...]:
    return _drop("1.1"), _until_shifting, then, World.happen


def _failing(world: World) -> None:
    world.account.cloudwatch.failing = {"3"}


_SHARED = enumerate(("shared.txt", "shared/tests/test_it.py"))
SAME_FILES = {name: random.Random(seed).randbytes(10_000).hex() for seed, name in _SHARED}
"""Content that two releases share: a frame that a start needs, and one that it does not.

Executable and small files lie in a frame before them, which differs from release to release.
"""


def shared_live(world: World) -> None:
    world.released("1.0", files=SAME_FILES)


def four_live(world: World) -> None:
    two_live(world)
    for name in ("1.2", "1.3"):
        world.released(name, STAGES)


def _stop(world: World) -> None:
    """An operator stops the execution that is shifting; the service runs no compensation."""
    for execution in world.executions.values():
        if execution.status == "RUNNING":
            world.stop(execution)


_RED = _once(lambda world: world.alarm(ALARM, "ALARM"))
WARM = f"{STAGES}[resources]\nprovisioned-concurrency = 2\n"
_REDEPLOY = _say("redeploy", release="1.1", force=True)


def _newest(world: World) -> tuple[str, str, list[Stored]]:
    """Return where it is written which bundle was made last, its key, and its versions."""
    objects = world.account.s3.buckets[BUNDLES].objects
    [place] = [key for key in objects if "/newest-" in key]
    key = json.loads(objects[place][-1].body)["key"]
    return place, key, objects[key]


def _prune_newest(world: World) -> None:
    """Delete the bundle that the next release would copy from."""
    _newest(world)[2].pop()


def _damage_newest(world: World) -> None:
    """Change a byte of it."""
    versions = _newest(world)[2]
    body = bytearray(versions[-1].body)
    body[len(body) // 2] ^= 1
    versions[-1] = replace(versions[-1], body=bytes(body))


def _prune_newest_once_read(world: World) -> None:
    """Delete it after its index was read, before the first of its frames is."""
    world.account.s3.read_once.add(_newest(world)[2][-1].version)


_SECOND = _drop("1.1", files=SAME_FILES)


FLOWS = (
    Flow("release after its source was pruned", shared_live, (_once(_prune_newest), _SECOND, World.happen)),
    Flow("release after its source was damaged", shared_live, (_once(_damage_newest), _SECOND, World.happen)),
    Flow("release that copies", shared_live, (_SECOND, World.happen)),
    Flow("source pruned meanwhile", shared_live, (_once(_prune_newest_once_read), _SECOND, World.happen)),
    Flow("first release", _nothing, (_drop("1.0", ""), World.happen)),
    Flow("release", live, (_drop("1.1"), World.happen)),
    Flow("alarm goes red", live, _mid_bake(_RED)),
    Flow("calls fail", live, (_once(_failing), _drop("1.1"), World.happen)),
    Flow("smoke failure", live, (_drop("1.1-broken"), World.happen)),
    Flow("manual rollback", two_live, (_say("rollback"),)),
    Flow("rollback mid-bake", live, _mid_bake(_say("rollback"))),
    Flow("promote", live, _mid_bake(_say("promote"))),
    Flow("promote in full", live, _mid_bake(_say("promote", full=True))),
    Flow("abort mid-bake", live, _mid_bake(_say("abort"))),
    Flow("superseding drop", live, _mid_bake(_drop("1.2"))),
    Flow("drops at once", live, (_drop("1.1"), _drop("1.2"), World.happen)),
    Flow("prune", four_live, (_say("prune", keep=1),)),
    Flow("redeploy", two_live, (_say("rollback", to="1.0"), _REDEPLOY, World.happen)),
    Flow("provisioned concurrency", live, (_drop("1.1", WARM), World.happen, _say("rollback"))),
    Flow("refused archive", live, (_drop("1.1", body=NO_ARCHIVE), World.happen)),
    Flow("dead execution", live, _mid_bake(_once(_stop))),
)


def named(name: str) -> Flow:
    """Return the flow of this name."""
    return next(flow for flow in FLOWS if flow.name == name)


@cache
def _prepared(before: Callable[[World], None]) -> World:
    with inhabited(World(settings())) as world:
        before(world)
    world.account.calls.clear()
    return world


def prepared(before: Callable[[World], None]) -> World:
    """Return a world as it is after something happened in it; its calls are counted from one."""
    return copy.deepcopy(_prepared(before))
