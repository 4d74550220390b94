"""The schedule deletes old releases of one application at a time, a few at a time, and nothing that is needed."""

import re
from datetime import timedelta

import pytest

from deployer import controller
from tests import template as sam
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited, settings
from tests.faults.world import World

AT_ONCE = '[rollout]\nstrategy = "all-at-once"\n'


def _world(keep: int = 2, *applications: str) -> World:
    return World(settings().model_copy(update={"keep_releases": keep}), applications or ("orders",))


def _due(world: World) -> None:
    world.account.pass_time(world.account.now + controller.PRUNE_EVERY)
    time = world.account.now.isoformat()
    world.deliver({"source": "aws.events", "detail-type": "Scheduled Event", "time": time, "detail": {}})
    world.run()


def _versions(world: World, application: str = "orders") -> set[str]:
    return set(world.account.lambda_.functions[world.settings.function(application)].versions)


def test_what_went_live_is_kept_before_what_failed_and_what_is_needed_always() -> None:
    world = _world()
    with inhabited(world):
        for release in ("1.0", "1.1", "1.2", "1.3", "1.4-broken", "1.5-broken"):
            world.drop(release, AT_ONCE)
            world.run()
        _due(world)
    assert _versions(world) == {"1", "4", "5"}, "the stack's first version, the previous and the live one"
    assert not violations(world)


def test_applications_take_turns_and_one_that_is_gone_is_passed_over() -> None:
    world = _world(1, "a", "b", "gone")
    with inhabited(world):
        for application in world.applications:
            for release in ("1.0", "1.1", "1.2", "1.3"):
                world.drop(release, AT_ONCE, application)
                world.run()
        del world.account.lambda_.functions[world.settings.function("gone")]
        for _ in world.applications:
            _due(world)
    assert {len(_versions(world, name)) for name in ("a", "b")} == {3}
    assert not world.escaped


def test_so_many_versions_are_deleted_at_once_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "MOST_PRUNED", 2)
    world = _world(1)
    with inhabited(world):
        for number in range(7):
            world.drop(f"1.{number}", AT_ONCE)
            world.run()
        before = len(_versions(world))
        _due(world)
        assert len(_versions(world)) == before - 2
        assert not violations(world)


def test_nothing_is_pruned_where_the_owner_keeps_all() -> None:
    world = _world(0)
    with inhabited(world):
        for number in range(4):
            world.drop(f"1.{number}", AT_ONCE)
            world.run()
        before = _versions(world)
        _due(world)
    assert _versions(world) == before


def test_the_template_asks_as_often_as_the_controller_takes_turns() -> None:
    stack = sam.source()
    [minutes] = re.findall(
        r"^rate\((\d+) minutes\)$", stack["Resources"]["PruneDue"]["Properties"]["ScheduleExpression"]
    )
    assert timedelta(minutes=int(minutes)) == controller.PRUNE_EVERY
    assert stack["Parameters"]["KeepReleases"]["Default"] > 0
