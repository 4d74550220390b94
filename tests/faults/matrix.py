"""Kill points: every flow, every boundary, every kind of fault; then it is driven again, and everything must hold."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import pytest

from deployer.aws import throttling
from tests.faults.faults import LASTING, Fault, Point
from tests.faults.flows import FLOWS, Flow, play, prepared
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited
from tests.faults.world import World

ATTEMPTS = 12
"""A command's attempts at a call that is refused for ever. A hundred end no other way: they take no time here."""


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
    end: World

    def before(self, call: int) -> Scene:
        """Return the last scene before a call."""
        return [scene for scene in self.scenes if scene.calls < call][-1]

    def after(self, call: int) -> Scene | None:
        """Return the first scene after a call."""
        return next((scene for scene in self.scenes if scene.calls >= call), None)


@cache
def course(flow: Flow) -> Course:
    """Take a flow without faults; everything must hold."""
    world, scenes = prepared(flow.before), list[Scene]()
    with inhabited(world):
        for act in play(world, flow.acts):
            scenes.append(Scene(len(world.account.calls), act, copy.deepcopy(world)))
        points = world.account.points()
        world.drive_again()
    if broken := violations(world):
        raise AssertionError(f"{flow.name}: {broken}")
    return Course(tuple(points), tuple(scenes), world)


def shots(flow: Flow) -> Iterator[Shot]:
    """Yield every single fault at every boundary of a flow."""
    for point in course(flow).points:
        for kind in point.kinds():
            yield Shot(flow, (Fault(point.number, kind),))


def every_shot() -> list[Shot]:
    """Return every single fault at every boundary of every flow."""
    return [shot for flow in FLOWS for shot in shots(flow)]


def fire(shot: Shot) -> World:
    """Run a flow with faults, from the last scene before them, then drive it again as AWS would.

    Where the world is again just as it was without the fault, it goes on, and ends, as it did without.
    """
    undisturbed = course(shot.flow)
    scene = undisturbed.before(min(fault.number for fault in shot.faults))
    world = copy.deepcopy(scene.world)
    with inhabited(world), pytest.MonkeyPatch.context() as patch:
        patch.setattr(throttling, "_MOST", ATTEMPTS)
        world.account.faults = shot.faults
        for _ in play(world, shot.flow.acts[scene.act :]):
            if _healed(shot, world):
                return undisturbed.end
        world.drive_again()
    return world


def _healed(shot: Shot, world: World) -> bool:
    """Return whether a fault that is over left no trace at the next scene."""
    number, kind = shot.faults[0].number, shot.faults[0].kind
    scene = course(shot.flow).after(number)
    if scene is None or len(shot.faults) > 1 or kind in LASTING or len(world.account.calls) != scene.calls:
        return False
    return world.state() == scene.world.state()


def broken(some: Sequence[Shot]) -> list[str]:
    """Return the violations after some shots."""
    return [f"{described(shot)}: {what}" for shot in some for what in violations(fire(shot))]


def described(shot: Shot) -> str:
    """Return a shot in words, by which it can be fired again."""
    places = " and ".join(f"{fault.kind.value} at call {fault.number}" for fault in shot.faults)
    return f"{shot.flow.name}, {places}"
