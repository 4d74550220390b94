"""One release of an application is prepared at a time: what is not the newest drop ends before it costs anything."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from deployer.model.overview import LONGEST_TURN
from deployer.model.status import Status
from tests.faults.account import BUNDLES, RELEASES, Call
from tests.faults.faults import DELETED, Kind
from tests.faults.flows import NO_ARCHIVE, STAGES
from tests.faults.invariants import violations
from tests.faults.world import World

MANY = 20


def made(world: World, operation: str) -> int:
    """Return how often something was made: bundles are uploaded in parts."""
    return sum(call.operation == operation and call.outcome == "done" for call in world.account.calls)


def statuses(world: World) -> list[str]:
    """Return how the drops ended, in their order; the first one was live before."""
    records = [world.record(drop) for drop in world.drops]
    return [record.status.value if record else "no record" for record in records]


def in_one_second(world: World) -> None:
    """Have S3 say that everything was dropped in the same second."""
    for versions in world.account.s3.buckets[RELEASES].objects.values():
        versions[:] = [replace(one, modified=world.account.now.replace(microsecond=0)) for one in versions]


@pytest.mark.parametrize("order", ["as dropped", "backwards", "shuffled", "in one second"])
def test_twenty_drops_at_once_make_at_most_two_bundles_and_two_versions(world: World, order: str) -> None:
    for number in range(MANY):
        world.drop(f"2.{number}", STAGES)
    for delivery in world.inbox:
        delivery.at = world.account.now
    if order == "in one second":
        in_one_second(world)
    elif order != "as dropped":
        world.inbox.reverse() if order == "backwards" else random.Random(5).shuffle(world.inbox)
    world.run()
    assert made(world, "CompleteMultipartUpload") <= 2 * 2, "two bundles, and a stronger one of each that went live"
    assert made(world, "PublishVersion") <= 2
    ends = statuses(world)[1:]
    assert ends.count("superseded") == MANY - ends.count("live")
    assert ends.count("live") in (1, 2)
    if order != "in one second":
        assert ends[-1] == "live"
    assert violations(world) == []


def until_preparing(world: World) -> None:
    """Drop a release, and run it until it is bundled and waits for Lambda."""
    world.drop("1.1", STAGES)
    world.run(until=lambda: statuses(world)[-1] == "bundled")
    assert statuses(world)[-1] == "bundled"


def test_a_drop_that_waits_ends_as_soon_as_a_newer_one_is_known_and_reads_no_archive(world: World) -> None:
    until_preparing(world)
    for name in ("1.2", "1.3"):
        world.drop(name, STAGES)
    world.run(until=lambda: statuses(world)[2] == "superseded")
    assert statuses(world)[1] not in ("live", "superseded"), "it is still under way"
    world.run()
    read = {call.params["Key"] for call in world.account.calls if call.operation == "GetObject"}
    assert world.recorded(world.drops[2]).reason == 'release "1.3" was dropped later'
    assert "orders/1.1.zip" in read
    assert "orders/1.2.zip" not in read
    assert statuses(world)[3] == "live"
    assert violations(world) == []


def test_a_release_that_is_being_prepared_goes_live_when_the_newer_drop_is_refused(world: World) -> None:
    until_preparing(world)
    world.released("1.2", body=NO_ARCHIVE)
    assert statuses(world)[1:] == ["live", "rejected"]
    assert violations(world) == []


def drop_first_event_late(world: World, second: bytes | None = None) -> None:
    """Drop two releases; the event of the first comes an hour later."""
    world.drop("1.1", STAGES)
    world.inbox[0].at += timedelta(hours=1)
    world.released("1.2", STAGES, body=second)


def test_a_drop_whose_event_comes_late_is_not_superseded_by_a_newer_one_that_was_refused(world: World) -> None:
    drop_first_event_late(world, NO_ARCHIVE)
    assert statuses(world)[1:] == ["live", "rejected"]
    assert violations(world) == []


def test_a_drop_whose_event_comes_after_the_newer_one_went_live_costs_nothing(world: World) -> None:
    drop_first_event_late(world)
    assert statuses(world)[1:] == ["superseded", "live"]
    assert made(world, "PublishVersion") == 1
    assert violations(world) == []


def test_an_abort_ends_a_release_that_waits_before_it_has_its_turn(world: World) -> None:
    until_preparing(world)
    drop = world.drop("1.2", STAGES)
    world.run(until=lambda: bool((found := world.record(drop)) and "1.1" in found.step))
    assert "1.2 is waiting until 1.1 is published" in "\n".join(world.command("status")["answer"])
    assert "aborted 1.2" in world.command("abort", release="1.2")["answer"]
    world.run()
    assert statuses(world)[2] == Status.ABORTED
    assert made(world, "PublishVersion") == 1
    assert violations(world) == []


@pytest.mark.parametrize("later", [timedelta(), timedelta(hours=1)])
def test_a_rollout_that_hangs_keeps_its_turn_for_half_an_hour_and_no_longer(world: World, later: timedelta) -> None:
    until_preparing(world)
    hanging = world.executions[world.drops[-1].release_id]
    hanging.wake += timedelta(days=1)
    world.account.pass_time(world.account.now + later)
    began = world.account.now
    world.drop("1.2", STAGES)
    world.run(until=lambda: statuses(world)[2] == Status.BUNDLED)
    waited = world.account.now - began
    world.run()
    expected = max(timedelta(), LONGEST_TURN - later)
    assert expected - timedelta(minutes=1) < waited < expected + timedelta(minutes=2)
    assert statuses(world)[1:] == ["superseded", "live"]
    assert violations(world) == []


@pytest.mark.parametrize("operation", ["GetObject", "PutObject"])
def test_whoever_deletes_the_overview_costs_no_more_than_work(world: World, operation: str) -> None:
    overviews = DELETED[Kind.OVERVIEWS_DELETED]

    def delete(call: Call) -> None:
        if call.operation == operation and overviews.match(str(call.params.get("Key"))):
            world.account.s3.hide(BUNDLES, overviews)

    until_preparing(world)
    world.drop("1.2", STAGES)
    world.account.chance = delete
    world.run()
    assert statuses(world)[2] == "live"
    assert violations(world) == []
