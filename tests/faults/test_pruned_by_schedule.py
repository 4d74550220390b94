"""The schedule deletes old releases of one application at a time, a few at a time, and nothing that is needed."""

import re
from datetime import timedelta

import pytest

from deployer import controller
from deployer.commands.old_records import named_by
from deployer.model.alias import Alias, AliasState, Move
from deployer.model.overview import Overview
from tests import template as sam
from tests.deployment import AT_ONCE
from tests.faults.account import BUNDLES
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited, settings
from tests.faults.world import World

UNFIT = "[rollout]\nstages = 7\n"


def _world(keep: int = 2, days: int = 0, applications: tuple[str, ...] = ("orders",)) -> World:
    limits = {"keep_releases": keep, "keep_records_days": days}
    return World(settings().model_copy(update=limits), applications)


def _scheduled(world: World) -> None:
    """Have the schedule's event on its way."""
    time = world.account.now.isoformat()
    world.deliver({"source": "aws.events", "detail-type": "Scheduled Event", "time": time, "detail": {}})


def _due(world: World) -> None:
    world.account.pass_time(world.account.now + controller.PRUNE_EVERY)
    _scheduled(world)
    world.run()


def _seven_releases(world: World) -> None:
    for number in range(7):
        world.released(f"1.{number}", AT_ONCE)


def _versions(world: World, application: str = "orders") -> set[str]:
    return set(world.account.lambda_.functions[world.settings.function(application)].versions)


def test_what_went_live_is_kept_before_what_failed_and_what_is_needed_always() -> None:
    with inhabited(_world()) as world:
        for release in ("1.0", "1.1", "1.2", "1.3", "1.4-broken", "1.5-broken"):
            world.released(release, AT_ONCE)
        _due(world)
    assert _versions(world) == {"1", "4", "5"}, "the stack's first version, the previous and the live one"
    assert not violations(world)


def test_applications_take_turns_and_one_that_is_gone_is_passed_over() -> None:
    with inhabited(_world(keep=1, applications=("a", "b", "gone"))) as world:
        for application in world.applications:
            for release in ("1.0", "1.1", "1.2", "1.3"):
                world.released(release, AT_ONCE, application)
        del world.account.lambda_.functions[world.settings.function("gone")]
        for _ in world.applications:
            _due(world)
    assert {len(_versions(world, name)) for name in ("a", "b")} == {3}
    assert not world.escaped


def test_so_many_versions_are_deleted_at_once_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "MOST_PRUNED", 2)
    with inhabited(_world(keep=1)) as world:
        _seven_releases(world)
        before = len(_versions(world))
        _due(world)
        assert len(_versions(world)) == before - 2
        assert not violations(world)


def test_nothing_is_pruned_where_the_owner_keeps_all() -> None:
    with inhabited(_world(keep=0)) as world:
        _seven_releases(world)
        before = _versions(world)
        _due(world)
    assert _versions(world) == before


def _records(world: World, application: str = "orders") -> set[str]:
    objects = world.account.s3.buckets[BUNDLES].objects
    prefix = f"records/{application}/"
    there = (key for key, versions in objects.items() if not versions[-1].marker)
    return {key.removeprefix(prefix).removesuffix(".json") for key in there if key.startswith(prefix)}


def test_an_old_record_goes_when_its_version_is_gone_and_what_is_needed_stays() -> None:
    """Versions of 1.0 to 1.2 are pruned; 1.3 is live, 1.4 was rolled back last, 1.5 is the newest drop."""
    with inhabited(_world(keep=2, days=90)) as world:
        for release in ("1.0", "1.1", "1.2", "1.3", "1.4"):
            world.released(release, AT_ONCE)
            if release in ("1.2", "1.4"):
                world.command("rollback", application="orders", reason="wrong")
        world.released("1.5", UNFIT)
        drops = list(world.drops)
        _due(world)
        assert {drop.release_id for drop in drops} <= _records(world), "none of them is old"
        world.account.pass_time(world.account.now + timedelta(days=91))
        before, marks = _versions(world), {one for one in _records(world) if one.startswith("rolled-back/")}
        _due(world)
        assert [drop.name for drop in drops if drop.release_id in _records(world)] == ["1.3", "1.4", "1.5"]
        assert _versions(world) == before
        assert marks == {one for one in _records(world) if one.startswith("rolled-back/")}
        assert len(marks) == 2
        _what_is_told_is_right(world)
    assert not violations(world)
    assert not world.escaped


def _what_is_told_is_right(world: World) -> None:
    """The history names its end; a rollback, a redeploy and bytes that were rolled back are as before."""
    told = world.command("history", application="orders", limit=20)["answer"]
    assert len(told) == 4
    assert told[-1] == "older records are deleted after 90 days, unless they are needed (KeepRecordsDays)"
    assert "older records" not in str(world.command("history", application="orders", limit=3)["answer"])
    lines = world.command("status", application="orders")["answer"]
    assert any("1.3 (version 5)" in line for line in lines)
    assert any(line.startswith("1.5, dropped 91 d ago, ended rejected") for line in lines)
    assert world.command("redeploy", application="orders", release="1.0")["problems"][0]["where"] == "release"
    record = world.released("1.2", AT_ONCE)
    assert (record.status, "rolled back before" in record.reason) == ("rejected", True)


def test_no_record_is_deleted_where_the_owner_keeps_all_and_so_many_at_once_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for days, gone in ((0, 0), (90, 2)):
        monkeypatch.setattr(controller, "MOST_PRUNED", 20)
        with inhabited(_world(keep=1, days=days)) as world:
            _seven_releases(world)
            _due(world)
            assert {drop.release_id for drop in world.drops} <= _records(world)
            world.account.pass_time(world.account.now + timedelta(days=365))
            before = len(_records(world))
            monkeypatch.setattr(controller, "MOST_PRUNED", 2)
            _due(world)
            assert len(_records(world)) == before - gone
            assert not violations(world)


def test_what_the_alias_and_the_overview_name_is_needed() -> None:
    moved = AliasState(move=Move.ROLL_BACK, release="left", previous="1", stable="2")
    alias = Alias(name="live", stable="2", revision="r", recorded=moved)
    overview = Overview(under_way=("waiting", "baking"), newest="newest", went_live=("old",))
    assert named_by(alias, overview) == {"left", "waiting", "baking", "newest"}
    assert named_by(alias.model_copy(update={"recorded": None}), Overview()) == frozenset()


def test_records_are_deleted_where_all_releases_are_kept_and_a_release_under_way_keeps_its_own() -> None:
    with inhabited(_world(keep=0, days=90)) as world:
        world.released("1.0-broken", UNFIT)
        world.released("1.1", AT_ONCE)
        broken, held = world.drops[0], world.drop("1.2", '[rollout]\nstages = [{ weight = 10, bake = "5m" }]\n')
        world.run(until=world.shifting)
        world.account.pass_time(world.account.now + timedelta(days=91))
        _scheduled(world)
        world.receive(world.inbox[0])
        assert broken.release_id not in _records(world)
        assert held.release_id in _records(world)


def test_the_template_asks_as_often_as_the_controller_takes_turns() -> None:
    stack = sam.source()
    [minutes] = re.findall(
        r"^rate\((\d+) minutes\)$", stack["Resources"]["PruneDue"]["Properties"]["ScheduleExpression"]
    )
    assert timedelta(minutes=int(minutes)) == controller.PRUNE_EVERY
    assert stack["Parameters"]["KeepReleases"]["Default"] > 0
