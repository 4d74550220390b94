"""Kill points: every flow, every boundary, every kind of fault; then it is driven again, and everything must hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from tests.faults.faults import Fault, Point
from tests.faults.flows import FLOWS, Flow, prepared
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited
from tests.faults.world import World


@dataclass(frozen=True)
class Shot:
    """One run of a flow, and what goes wrong in it."""

    flow: Flow
    faults: tuple[Fault, ...]


@cache
def boundaries(flow: Flow) -> tuple[Point, ...]:
    """Every boundary of a flow without faults."""
    world = prepared(flow)
    with inhabited(world):
        flow.act(world)
        points = world.account.points()
        world.drive_again()
    if broken := violations(world):
        raise AssertionError(f"{flow.name}: {broken}")
    return tuple(points)


def shots(flow: Flow) -> Iterator[Shot]:
    """Every single fault at every boundary of a flow."""
    for point in boundaries(flow):
        for kind in point.kinds():
            yield Shot(flow, (Fault(point.number, kind),))


def every_shot() -> list[Shot]:
    """Every single fault at every boundary of every flow."""
    return [shot for flow in FLOWS for shot in shots(flow)]


def fire(shot: Shot) -> World:
    """Run a flow with faults, then drive it again as AWS would."""
    world = prepared(shot.flow)
    with inhabited(world):
        world.account.faults = shot.faults
        shot.flow.act(world)
        world.drive_again()
    return world


def broken(some: Sequence[Shot]) -> list[str]:
    """What does not hold after some shots."""
    return [f"{told(shot)}: {what}" for shot in some for what in violations(fire(shot))]


def told(shot: Shot) -> str:
    """A shot in words, by which it can be fired again."""
    places = " and ".join(f"{fault.kind.value} at call {fault.number}" for fault in shot.faults)
    return f"{shot.flow.name}, {places}"
