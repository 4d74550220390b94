"""The writer that wins an alias, of several."""

import pytest

from deployer.decisions import precedence
from deployer.model.alias import Alias, Move
from deployer.model.status import Ending, Status
from tests.pure.values import dropped, untouched

OLDER, NEWER = dropped("0" * 32, second=1), dropped("f" * 32, second=2)
MINE, OTHER = NEWER.release_id, OLDER.release_id
LIVE = untouched("1").promote("a" * 32, "2")
SHIFTED = LIVE.shift(MINE, "3", 10)
BY_HAND = SHIFTED.model_copy(update={"weight": 30})


@pytest.mark.parametrize("canary", [False, True], ids=["a stable version", "a canary"])
def test_a_newer_release_on_the_alias_ends_an_older_one_and_not_the_reverse(*, canary: bool) -> None:
    """The turn ends older drops before they cost anything; where its overview is lost, the alias decides."""
    alias = untouched("2").shift(NEWER.release_id, "3", 10) if canary else untouched("3")
    refused = precedence.refusal_to_start(alias, OLDER, {"2": None, "3": NEWER})
    assert refused == Ending(status=Status.SUPERSEDED, reason='release "1.4.0" was dropped later')
    assert precedence.refusal_to_start(alias, NEWER, {"2": None, "3": OLDER}) is None
    assert precedence.refusal_to_start(alias, NEWER, {}) is None


def test_a_split_by_another_tool_keeps_a_release_from_starting() -> None:
    assert precedence.refusal_to_start(BY_HAND, NEWER, {}) == Ending(
        status=Status.OVERTAKEN,
        reason="another tool is shifting the alias (30 % of the traffic on version 3); it is left alone",
    )
    moved = LIVE.model_copy(update={"stable": "1"})
    assert precedence.refusal_to_start(moved, NEWER, {}) is None


@pytest.mark.parametrize(
    ("move", "ending"),
    [
        (Move.ABORT, Ending(status=Status.ABORTED, reason="abort by command")),
        (Move.ROLL_BACK, Ending(status=Status.ROLLED_BACK, reason="roll-back by command")),
    ],
)
def test_a_command_that_ended_a_release_ends_it_whatever_comes_later(move: Move, ending: Ending) -> None:
    ended = SHIFTED.remove_canary(MINE, move, by_command=True)
    assert precedence.refusal_to_start(ended, NEWER, {}) == ending
    assert precedence.ended_by_others(ended, MINE, "3") == ending
    assert precedence.ended_by_command(ended, OTHER) is None
    assert precedence.refusal_to_start(ended, OLDER, {}) is None
    assert precedence.ended_by_command(ended.model_copy(update={"stable": "9"}), MINE) == ending


@pytest.mark.parametrize("move", [Move.SHIFT, Move.PROMOTE, Move.PAUSE, Move.RESUME])
def test_no_other_move_ends_the_release_that_it_is_for(move: Move) -> None:
    assert precedence.ended_by_command(SHIFTED.remove_canary(MINE, move), MINE) is None
    assert precedence.ended_by_command(untouched(), MINE) is None


@pytest.mark.parametrize(
    ("alias", "ending"),
    [
        (SHIFTED, None),
        (SHIFTED.pause(paused=True), None),
        (SHIFTED.promote(MINE, "3"), Ending(status=Status.LIVE, reason="promoted by command")),
        (BY_HAND, Ending(status=Status.OVERTAKEN, reason="… stands on version 2, version 3 with 30 %")),
        (untouched("2"), Ending(status=Status.OVERTAKEN, reason="… stands on version 2")),
        (SHIFTED.shift(OTHER, "4", 10), Ending(status=Status.SUPERSEDED, reason=f"release {OTHER} was dropped later")),
        (SHIFTED.promote(OTHER, "4"), Ending(status=Status.SUPERSEDED, reason=f"release {OTHER} was dropped later")),
        (
            SHIFTED.roll_back_to(OTHER, "1"),
            Ending(status=Status.OVERTAKEN, reason="the alias was moved: roll-back to version 1"),
        ),
    ],
)
def test_a_release_that_has_a_share_ends_as_the_alias_says(alias: Alias, ending: Ending | None) -> None:
    found = precedence.ended_by_others(alias, MINE, "3")
    moved = "the alias was moved by others and"
    assert found == (ending and ending.model_copy(update={"reason": ending.reason.replace("…", moved)}))
