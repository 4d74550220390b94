"""`status` of three hundred applications: two or three calls each, and none of the control plane's narrow budget."""

from collections import Counter

from tests.faults.crowd import add
from tests.faults.flows import mid_bake, prepared
from tests.faults.wiring import inhabited, settings
from tests.faults.world import World

MANY = 300


def test_three_hundred_applications_are_read_in_few_calls_however_many_releases_they_had() -> None:
    with inhabited(prepared(mid_bake)) as world:
        add(world, (f"app-{number}" for number in range(MANY - 1)))
        world.account.calls.clear()
        answer = world.command("status", application=None)
    assert len(answer["applications"]) == MANY
    assert {len(one["under_way"]) for one in answer["applications"]} == {1}
    counted = Counter(call.operation for call in world.account.calls)
    assert counted == {"GetFunction": MANY, "GetObject": 2 * MANY + 1, "ListObjectsV2": 2, "ListAliases": 7}
    lines = [line for line in answer["answer"] if line.startswith("app-7: ")]
    assert lines[0].startswith("app-7: 1.0 (version 2) is live")
    assert "10 % of the traffic" in lines[1]


def test_an_application_that_never_had_a_drop_is_shown_however_many_there_are() -> None:
    waiting = [f"new-{number}" for number in range(120)]
    with inhabited(World(settings(), ("orders", *waiting))) as world:
        world.released("1.0")
        answer = world.command("status", application=None)
    assert [one["application"] for one in answer["applications"]] == sorted(world.applications)
    assert {f"{name}: no release yet" for name in waiting} < set(answer["answer"])


def test_an_application_that_is_gone_is_left_out(world: World) -> None:
    add(world, ["gone"])
    del world.account.lambda_.functions[world.settings.function("gone")]
    answer = world.command("status", application=None)
    assert [one["application"] for one in answer["applications"]] == ["orders"]
