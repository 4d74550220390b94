"""Each command that moves the alias is in the record and in the news once, in whatever words others came before it."""

import copy
import json

from tests.faults.faults import Fault, Kind
from tests.faults.flows import prepared, two_live
from tests.faults.wiring import inhabited
from tests.faults.world import World


def recorded(world: World) -> list[str]:
    return [moment.what for moment in world.recorded().timeline if "by command" in moment.what]


def announced(world: World) -> list[str]:
    said = [json.loads(entry["Detail"])["what"] for entry in world.account.events.put]
    return [what for what in said if "by command" in what]


def test_every_pause_is_recorded_and_announced(baking: World) -> None:
    for action in ("pause", "resume", "pause"):
        baking.command(action)
    expected = [f"by command: {action} at 10 %" for action in ("pause", "resume", "pause")]
    assert recorded(baking) == announced(baking) == expected


def test_a_pause_that_is_said_twice_is_recorded_once(baking: World) -> None:
    baking.command("pause")
    assert baking.command("pause")["answer"] == "nothing to do: it is paused"
    assert recorded(baking) == ["by command: pause at 10 %"]


def test_a_pause_that_died_after_its_move_is_recorded_when_it_is_said_again(baking: World) -> None:
    rehearsed = copy.deepcopy(baking)
    with inhabited(rehearsed):
        rehearsed.account.calls.clear()
        rehearsed.command("pause")
    move = [call.operation for call in rehearsed.account.calls].index("UpdateAlias") + 1
    baking.account.calls.clear()
    baking.account.faults = (Fault(move + 1, Kind.KILLED_BEFORE),)
    while baking.account.calls[move:] == []:
        baking.command("pause")
    assert baking.alias().description.startswith("move=pause")
    assert recorded(baking) == ["by command: pause at 10 %"]


def test_a_second_rollback_from_the_same_release_is_recorded_too() -> None:
    with inhabited(prepared(two_live)) as world:
        world.command("rollback")
        world.command("rollback", to="1.1", force=True)
        world.command("rollback", to="1.0", force=True)
    entries = [moment.what for moment in world.recorded().timeline]
    assert entries.count("roll back from 1.1 (version 3) to 1.0 (version 2)") == 2
