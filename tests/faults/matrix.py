"""Kill points: every flow, every boundary, every kind of fault; then it is driven again, and everything must hold."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from tests.faults.faults import Fault, Point
from tests.faults.flows import FLOWS, Flow, play, prepared
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited
from tests.faults.world import World


@dataclass(frozen=True)
class Shot:
    """One run of a flow, and what goes wrong in it."""

    flow: Flow
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Scene:
    """A moment of a flow without faults at which no process runs: how many calls were made, and which act is next."""

    calls: int
    act: int
    world: World


@dataclass(frozen=True)
class Course:
    """A flow without faults: every boundary, and every scene."""

    points: tuple[Point, ...]
    scenes: tuple[Scene, ...]

    def before(self, call: int) -> Scene:
        """Return the last scene before a call."""
        return [scene for scene in self.scenes if scene.calls < call][-1]


@cache
def course(flow: Flow) -> Course:
    """Take a flow without faults; everything must hold."""
    world, scenes = prepared(flow.before), list[Scene]()
    with inhabited(world):
        play(world, flow.acts, lambda act: scenes.append(Scene(len(world.account.calls), act, copy.deepcopy(world))))
        points = world.account.points()
        world.drive_again()
    if broken := violations(world):
        raise AssertionError(f"{flow.name}: {broken}")
    return Course(tuple(points), tuple(scenes))


def shots(flow: Flow) -> Iterator[Shot]:
    """Every single fault at every boundary of a flow."""
    for point in course(flow).points:
        for kind in point.kinds():
            yield Shot(flow, (Fault(point.number, kind),))


def every_shot() -> list[Shot]:
    """Every single fault at every boundary of every flow."""
    return [shot for flow in FLOWS for shot in shots(flow)]


def fire(shot: Shot) -> World:
    """Run a flow with faults, from the last scene before them, then drive it again as AWS would."""
    scene = course(shot.flow).before(min(fault.number for fault in shot.faults))
    world = copy.deepcopy(scene.world)
    with inhabited(world):
        world.account.faults = shot.faults
        play(world, shot.flow.acts[scene.act :])
        world.drive_again()
    return world


def broken(some: Sequence[Shot]) -> list[str]:
    """What does not hold after some shots."""
    return [f"{told(shot)}: {what}" for shot in some for what in violations(fire(shot))]


def told(shot: Shot) -> str:
    """A shot in words, by which it can be fired again."""
    places = " and ".join(f"{fault.kind.value} at call {fault.number}" for fault in shot.faults)
    return f"{shot.flow.name}, {places}"
