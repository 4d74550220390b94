"""Deleted records, marks or descriptions: the alias is restored, and the releases end."""

import re

import pytest

from deployer.model.record import Record
from tests.faults.account import BUNDLES
from tests.faults.faults import DELETED, Kind
from tests.faults.flows import ALARM, WARM, prepared, two_live
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited
from tests.faults.world import World


@pytest.fixture
def shifting(world: World) -> World:
    """Return a world in which a release takes traffic, and its record is deleted."""
    world.drop("1.1", WARM)
    world.run(until=world.shifting)
    delete(world, Kind.RECORDS_DELETED)
    return world


def delete(world: World, kind: Kind) -> None:
    world.account.s3.hide(BUNDLES, DELETED[kind])


def facts(record: Record) -> tuple[str | None, ...]:
    return record.status, record.reason, record.version, record.archive_sha256


def test_a_release_whose_record_is_deleted_mid_bake_goes_live_and_is_told_whole(shifting: World) -> None:
    shifting.run()
    record = shifting.recorded()
    assert (record.status, record.version, record.stages, record.provisioned_concurrency) == ("live", "3", (10, 50), 2)
    assert record.key == "orders/1.1.zip"
    assert re.fullmatch(r"[0-9a-f]{64}", record.archive_sha256)
    assert violations(shifting) == []


def test_a_record_that_a_repeated_event_begins_anew_mid_bake_is_completed_by_the_rollout(shifting: World) -> None:
    shifting.notify(shifting.drops[-1])
    shifting.receive(shifting.inbox[-1])
    assert shifting.recorded().version is None
    shifting.run()
    record = shifting.recorded()
    assert (record.status, record.version, record.stages) == ("live", "3", (10, 50))
    assert violations(shifting) == []


def test_a_dead_rollout_without_a_record_leaves_no_share_behind(shifting: World) -> None:
    shifting.stop(shifting.executions[shifting.drops[-1].release_id])
    shifting.run()
    assert shifting.alias().traffic == {"2": 100}
    assert (shifting.recorded().status, shifting.recorded().version) == ("failed", "3")
    assert violations(shifting) == []


def test_a_dead_rollout_whose_record_is_refused_leaves_no_share_behind(shifting: World) -> None:
    shifting.account.chance = lambda call: Kind.DENIED if "records/" in str(call.params.get("Key")) else None
    shifting.stop(shifting.executions[shifting.drops[-1].release_id])
    shifting.run()
    assert shifting.alias().traffic == {"2": 100}
    shifting.drive_again()
    assert shifting.recorded().status == "failed"
    assert violations(shifting) == []


@pytest.mark.parametrize(("action", "status"), [("rollback", "rolled-back"), ("abort", "aborted")])
def test_a_command_takes_the_share_away_without_a_record(shifting: World, action: str, status: str) -> None:
    assert shifting.command(action)["version"] == "2"
    assert shifting.alias().traffic == {"2": 100}
    shifting.run()
    assert shifting.recorded().status == status
    assert violations(shifting) == []


def test_an_alarm_takes_the_share_away_without_a_record(shifting: World) -> None:
    shifting.alarm(ALARM, "ALARM")
    shifting.receive(shifting.inbox[-1])
    assert shifting.alias().traffic == {"2": 100}
    shifting.run()
    assert shifting.recorded().status == "rolled-back"
    assert violations(shifting) == []


def test_a_promotion_to_the_next_stage_does_not_guess_stages_that_were_deleted(shifting: World) -> None:
    assert shifting.command("promote")["answer"].startswith("refused")
    assert shifting.alias().traffic == {"2": 90, "3": 10}
    assert shifting.command("promote", full=True)["answer"].startswith("done")


def test_a_rollback_marks_bytes_whose_record_is_deleted() -> None:
    with inhabited(prepared(two_live)) as world:
        delete(world, Kind.RECORDS_DELETED)
        assert world.command("rollback")["version"] == "2"
    assert len([key for key in world.account.s3.buckets[BUNDLES].objects if "/rolled-back/" in key]) == 1
    assert world.recorded().status == "live"
    assert world.recorded().timeline[-1].what == "roll back from 1.1 (version 3) to 1.0 (version 2)"


def test_an_event_that_comes_again_ends_a_deleted_record_as_the_engine_remembers_it() -> None:
    with inhabited(prepared(two_live)) as world:
        before = world.recorded()
        delete(world, Kind.RECORDS_DELETED)
        world.notify(world.drops[-1])
        world.run()
    assert facts(world.recorded()) == facts(before)


def test_a_bundle_whose_description_is_deleted_is_made_again() -> None:
    with inhabited(prepared(two_live)) as world:
        delete(world, Kind.LOCATIONS_DELETED)
        world.command("redeploy", release="1.0")
        world.run()
    assert world.alias().traffic == {"4": 100}
    assert violations(world) == []


def test_records_are_deleted_by_a_marker_that_leaves_the_versions() -> None:
    """The stand-in does as S3: a read that names no version finds nothing, and the key can be written anew."""
    world = prepared(two_live)
    delete(world, Kind.RECORDS_DELETED)
    assert world.account.s3.list_objects_v2(BUNDLES, "records/orders/")["Contents"] == []
    assert len(world.account.s3.list_object_versions(BUNDLES, "records/orders/")["Versions"]) > len(world.drops)
