"""A rollout whose process is killed at the same place each time, as by Lambda at its memory or its timeout, ends."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from deployer.model.record import Record
from deployer.model.status import Status
from tests.faults.account import RELEASES, Call
from tests.faults.engine import Execution
from tests.faults.faults import Kind
from tests.faults.flows import STAGES
from tests.faults.invariants import violations
from tests.faults.world import World

type Place = Callable[[Call], bool]


def _reads_the_archive(call: Call) -> bool:
    return call.operation == "GetObject" and call.params.get("Bucket") == RELEASES


def _stores_the_bundle(call: Call) -> bool:
    return call.operation == "CreateMultipartUpload"


def _looks(call: Call) -> bool:
    return call.operation == "GetMetricData"


def _at(place: Place, call: Call) -> Kind | None:
    return Kind.KILLED_EACH_TIME if call.actor.startswith("rollout") and place(call) else None


def _killed(world: World, place: Place) -> tuple[Execution, Record]:
    """Drop a release whose rollout dies at a place, each time that it gets there."""
    world.account.chance = partial(_at, place)
    record = world.released("1.1", STAGES)
    return world.executions[record.release_id], record


@pytest.mark.parametrize(("step", "place"), [("inspect", _reads_the_archive), ("make_bundle", _stores_the_bundle)])
def test_a_step_that_outgrows_its_function_is_tried_three_times_and_says_what_to_do(
    world: World, step: str, place: Place
) -> None:
    execution, record = _killed(world, place)
    assert (execution.status, record.status) == ("SUCCEEDED", Status.FAILED)
    assert record.reason == f"{step} ran out of time or memory; raise RolloutMemory, then drop the archive again"
    assert sum(place(call) for call in world.account.calls) == 3
    assert world.account.now - execution.began < timedelta(minutes=10)
    assert violations(world) == []


def test_a_rollout_that_dies_at_every_look_is_ended_by_the_service_and_repaired(world: World) -> None:
    """Nothing shows that its step is at fault rather than the sandbox: the service tries for as long as it may run."""
    execution, record = _killed(world, _looks)
    assert (execution.status, record.status) == ("TIMED_OUT", Status.FAILED)
    assert world.alias().traffic == {"2": 100}
    assert violations(world) == []
