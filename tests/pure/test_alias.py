"""The alias as a value: what each move makes of it, and whose move it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.model.alias import Alias, AliasState, Move
from tests.pure.values import untouched

RELEASE = "0123456789abcdef0123456789abcdef"
versions = st.integers(1, 10**6).map(str)


def test_a_shift_gives_the_canary_its_share_and_keeps_the_stable_version() -> None:
    alias = untouched().shift(RELEASE, "2", 10)
    assert alias.traffic == ("1", "2", 10)
    assert alias.managed


def test_a_promotion_remembers_the_version_that_had_the_traffic() -> None:
    alias = untouched().shift(RELEASE, "2", 10).promote(RELEASE, "2")
    assert alias.traffic == ("2", None, 0)
    assert alias.previous == "1"


def test_promoting_twice_does_not_forget_the_previous_version() -> None:
    alias = untouched().promote(RELEASE, "2")
    assert alias.promote(RELEASE, "2").same_as(alias)


def test_a_withdrawn_canary_leaves_all_traffic_to_the_stable_version() -> None:
    alias = untouched().shift(RELEASE, "2", 50).remove_canary(RELEASE, Move.ABORT)
    assert alias.traffic == ("1", None, 0)
    assert alias.recorded is not None
    assert (alias.recorded.move, alias.recorded.release) == (Move.ABORT, RELEASE)


def test_going_back_twice_does_not_go_forth() -> None:
    alias = untouched().promote(RELEASE, "2").roll_back_to(RELEASE, "1")
    assert alias.traffic == ("1", None, 0)
    assert alias.previous is None


def test_a_pause_keeps_the_traffic_and_is_read_off_the_alias() -> None:
    alias = untouched().shift(RELEASE, "2", 10)
    assert alias.pause(paused=True).paused
    assert alias.pause(paused=True).traffic == alias.traffic
    assert not alias.pause(paused=True).pause(paused=False).paused


@pytest.mark.parametrize("moved", [{"stable": "7"}, {"canary": "7"}, {"weight": 30}, {"canary": None, "weight": 0}])
def test_a_move_in_the_console_is_seen_because_the_description_still_has_the_old_state(
    moved: dict[str, object],
) -> None:
    alias = untouched().shift(RELEASE, "2", 10).model_copy(update=moved)
    assert not alias.managed
    assert alias.previous is None


def test_a_roll_back_by_hand_is_distinguished_from_one_that_the_deployer_made() -> None:
    alias = untouched().promote(RELEASE, "2").shift(RELEASE, "3", 50)
    assert alias.remove_canary(RELEASE, Move.ROLL_BACK, by_command=True).rolled_back
    assert alias.roll_back_to(RELEASE, "1").rolled_back
    assert not alias.remove_canary(RELEASE, Move.ROLL_BACK).rolled_back
    assert not alias.remove_canary(RELEASE, Move.ABORT, by_command=True).rolled_back


def test_an_alias_that_nobody_moved_is_not_ours() -> None:
    assert not untouched().managed


states = st.builds(
    AliasState,
    release=st.just(RELEASE),
    stable=versions,
    canary=versions,
    weight=st.integers(1, 99),
    previous=st.none() | versions,
)


@given(states)
def test_a_state_survives_its_way_through_the_description(state: AliasState) -> None:
    assert AliasState.parse(state.encode()) == state
    assert len(state.encode()) <= 256


@given(st.text(max_size=256))
def test_a_description_that_a_person_wrote_is_no_state_and_no_error(description: str) -> None:
    state = AliasState.parse(description)
    assert state is None or AliasState.parse(state.encode()) == state


def test_percent_are_whole_numbers() -> None:
    with pytest.raises(ValueError, match="int"):
        Alias(name="live", stable="1", canary="2", weight=0.5, revision="r")
