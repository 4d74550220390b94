"""A sample of the kill points that `make faults` goes through one by one."""

import copy
import itertools
import random

import pytest

from tests.faults.buckets import ACCOUNT
from tests.faults.faults import Fault, Kind
from tests.faults.flows import FLOWS, Flow, named, play
from tests.faults.invariants import violations
from tests.faults.matrix import Scene, Shot, broken, course, fire, shots
from tests.faults.wiring import inhabited
from tests.faults.world import World

SAMPLE = 19
"""Single faults a flow."""
PAIRS = 8
"""Double faults of all flows together."""


def by_name(flow: Flow) -> str:
    return flow.name.replace(" ", "-")


def test_an_example_a_process_that_dies_behind_a_write_of_the_alias_changes_no_end() -> None:
    """The pattern of all the others: play a flow, let one thing go wrong at one call, drive on as AWS would, look."""
    flow = named("release")  # dropped beside a live one, shifted in two stages
    writes = [point.number for point in course(flow).points if point.operation == "UpdateAlias"]
    world = fire(Shot(flow, (Fault(writes[0], Kind.KILLED_AFTER),)))
    assert world.account.process > course(flow).end.account.process, "another process went on"
    assert violations(world) == []
    assert world.alias().traffic == course(flow).end.alias().traffic
    assert [world.recorded(drop).status for drop in world.drops] == ["live", "live"]


@pytest.mark.parametrize("flow", FLOWS, ids=by_name)
def test_a_flow_survives_a_fault_at_any_boundary(flow: Flow) -> None:
    every = list(shots(flow))
    assert broken(random.Random(flow.name).sample(every, min(SAMPLE, len(every)))) == []


def test_a_flow_survives_two_faults() -> None:
    chance = random.Random(6)
    pairs = []
    for _ in range(PAIRS):
        flow = chance.choice(FLOWS)
        first, second = chance.sample(list(shots(flow)), 2)
        pairs.append(Shot(flow, first.faults + second.faults))
    assert broken(pairs) == []


def test_every_request_to_s3_names_the_account_that_must_own_the_bucket() -> None:
    calls = [call for flow in FLOWS for call in course(flow).end.account.calls if call.service == "s3"]
    assert {call.operation for call in calls} >= {"GetObject", "PutObject", "DeleteObject", "ListObjectVersions"}
    assert {str(call.params.get("ExpectedBucketOwner")) for call in calls} == {ACCOUNT}


def on_from(scene: Scene, flow: Flow, *faults: Fault) -> World:
    """Go on from a scene to the end, whatever happens."""
    world = copy.deepcopy(scene.world)
    with inhabited(world):
        world.account.faults = faults
        for _ in play(world, flow.acts[scene.act :]):
            pass
        world.drive_again()
    return world


def test_a_flow_goes_on_from_any_scene_as_it_does_from_its_beginning() -> None:
    flow = FLOWS[1]
    for scene in course(flow).scenes[::9]:
        assert on_from(scene, flow).state() == course(flow).end.state()


def test_a_fault_that_left_no_trace_at_the_next_scene_leaves_none_at_the_end() -> None:
    flow = FLOWS[1]
    for call in (1, 30, 60):
        fault = Fault(call, Kind.TIMEOUT_BEFORE)
        assert fire(Shot(flow, (fault,))) is course(flow).end
        assert on_from(course(flow).before(call), flow, fault).state() == course(flow).end.state()


def test_a_fault_that_left_a_trace_is_followed_to_the_end() -> None:
    killed = Shot(FLOWS[1], (Fault(30, Kind.KILLED_AFTER),))
    assert fire(killed).state() != course(FLOWS[1]).end.state()


def test_a_redeploy_outlives_every_conflict_that_s3_and_lambda_may_answer() -> None:
    conflicts = (Kind.BUSY, Kind.STALE)
    refused = [one for one in shots(named("redeploy")) if one.faults[0].kind in conflicts]
    assert refused
    assert broken(refused) == []


def test_a_dead_rollout_is_closed_although_its_function_was_not_found_at_the_first_news() -> None:
    """An application that is not there is no reason to forget a rollout that died: a person has to look."""
    flow = named("dead execution")
    points = course(flow).points
    asked = [point.number for point in points if point.operation == "GetDurableExecution"]
    found = [point.number for point in points if point.operation == "GetFunction"]
    for first, second in itertools.product(asked, found):
        world = fire(Shot(flow, (Fault(first, Kind.THROTTLED), Fault(second, Kind.GONE))))
        assert violations(world) == [], (first, second)
