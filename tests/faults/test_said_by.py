"""A command's reason and its sender's claimed name are in the log, the record, the news, `status` and `history`."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from deployer import controller
from deployer.model.alias import ADMINISTRATION
from deployer.model.drop import Drop
from tests.faults.faults import Killed, Kind
from tests.faults.flows import STAGES, mid_bake, prepared, two_live
from tests.faults.invariants import violations
from tests.faults.wiring import context, inhabited, parsed
from tests.faults.world import World

ANN, WHY = "ann@example.com", "checkout fails for guests"


def say(world: World, action: str, *, alias: str = "orders", name: str = ANN, **fields: object) -> Any:  # noqa: ANN401 - JSON
    """Send a command as the README's `say` does."""
    world.account.begin("controller")
    return controller.handler({"action": action, "reason": WHY, **fields}, context(alias, {"by": name}))


def ask(world: World, action: str) -> str:
    """Ask for status or history; return the lines for people."""
    world.account.begin("controller")
    return "\n".join(controller.handler({"action": action}, context("orders"))["answer"])


def by_ann(world: World, number: int) -> list[str]:
    return [entry.what for entry in world.recorded(world.drops[number]).timeline if entry.by == ANN]


@pytest.mark.parametrize(
    ("before", "action", "fields", "shown"),
    [
        (two_live, "rollback", {}, ("history", f"{WHY}, said by {ANN}")),
        (two_live, "rollback", {}, ("status", f"rolled back by command: {WHY}, said by {ANN}")),
        (mid_bake, "rollback", {}, ("history", f"rolled-back: {WHY}, said by {ANN}")),
        (mid_bake, "abort", {}, ("status", f"ended aborted: {WHY}, said by {ANN}")),
        (mid_bake, "pause", {}, ("status", f"({WHY}), said by {ANN}")),
        (mid_bake, "promote", {"full": True}, ("history", "live")),
    ],
)
def test_a_command_leaves_its_reason_and_the_name_that_its_sender_claims(
    before: Callable[[World], None], action: str, fields: dict[str, Any], shown: tuple[str, str]
) -> None:
    with inhabited(prepared(before)) as world:
        say(world, action, **fields)
        assert shown[1] in ask(world, shown[0])
        world.run(turns=60)
    moments = by_ann(world, 1)
    assert any(WHY in what for what in moments), moments
    news = [json.loads(entry["Detail"]) for entry in world.account.events.put]
    assert any(WHY in one["what"] and one["by"] == ANN for one in news)
    assert not [one for one in news if one["by"] and one["what"] not in moments]
    logged = next(line for line in parsed(world.prints.getvalue()) if line.get("message") == "command.received")
    assert (logged["action"], logged["application"], logged["reason"], logged["by"]) == (action, "orders", WHY, ANN)


def test_the_end_that_a_dead_command_left_is_not_said_by_who_comes_next(baking: World) -> None:
    """A: aborts, and dies before its record.  Ann: aborts another release, and the first one's end is written first."""
    baking.account.chance = lambda call: Kind.KILLED_AFTER if call.operation == "UpdateAlias" else None
    with pytest.raises(Killed):
        say(baking, "abort", name="a")
    baking.account.mend()
    baking.drop("1.2", STAGES)
    baking.receive(baking.inbox[-1])
    assert "aborted 1.2" in say(baking, "abort", release="1.2")["answer"]
    assert (baking.recorded(baking.drops[1]).status, by_ann(baking, 1)) == ("aborted", [])
    assert by_ann(baking, 2) == ["abort", f"aborted: {WHY}"]


def test_a_release_that_is_rolled_out_again_begins_with_who_asked_for_it_and_why() -> None:
    with inhabited(prepared(two_live)) as world:
        say(world, "rollback")
        answer = say(world, "redeploy", alias=ADMINISTRATION, application="orders", release="1.1", force=True)
        assert "rolling out" in answer["answer"]
        again = next(name for name in world.account.lambda_.orders if name not in world.executions)
        found = world.recorded(Drop.model_validate_json(world.account.lambda_.orders[again]))
    assert [(entry.what, entry.by) for entry in found.timeline] == [(f"received: redeploy by command ({WHY})", ANN)]


def test_what_the_deployer_does_by_itself_is_said_by_nobody() -> None:
    world = prepared(two_live)
    assert [entry.by for drop in world.drops for entry in world.recorded(drop).timeline if entry.by] == []
    assert violations(world) == []
