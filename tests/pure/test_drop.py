"""Drops: their identity, their place in the bucket, and which of two is the newer."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.model.drop import VersionDescription, misplaced
from deployer.model.text import printable
from tests.pure.values import NOON, drop, dropped

KNOWN = frozenset({"hello"})


def test_a_release_id_is_32_hex_digits_of_bucket_key_and_version() -> None:
    assert len(drop().release_id) == 32
    assert drop(version_id="v2").release_id != drop().release_id
    assert drop(sequencer="00AB").release_id == drop().release_id


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("hello/1.4.0.zip", "1.4.0"),
        ("hello/1.4.0.tar.gz", "1.4.0"),
        ("hello/nightly/2026-11-23.tgz", "nightly/2026-11-23"),
        ("hello/v2.tar.zst", "v2"),
    ],
)
def test_a_key_names_application_and_release(key: str, name: str) -> None:
    assert misplaced(key, KNOWN) is None
    assert (drop(key).application, drop(key).name) == ("hello", name)


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("1.4.0.zip", "layout"),
        ("hello/", "layout"),
        ("/hello/1.zip", "layout"),
        ("hello//1.zip", "layout"),
        ("hello/../orders/1.zip", "layout"),
        ("orders/1.zip", "unknown application"),
        ("Hello/1.zip", "unknown application"),
        ("hello/1.exe", "does not end in .zip"),
        ("hello/.zip", "without a name"),
        ("hello/1.ZIP", "does not end in .zip"),
        ("hello/" + "v" * 1_020 + ".zip", "bytes"),
    ],
)
def test_a_key_outside_the_layout_is_refused_with_what_to_change(key: str, word: str) -> None:
    problem = misplaced(key, KNOWN)
    assert problem is not None
    assert word in str(problem)


def test_hostile_names_are_shown_escaped() -> None:
    assert drop("hello/\x1b[2J\x1b[31m.zip").label == "\\x1b[2J\\x1b[31m"
    assert printable("fünf-日本") == "fünf-日本"


def test_the_later_drop_is_the_newer() -> None:
    assert dropped("a", second=2).newer_than(dropped("b", second=1))
    assert not dropped("a", second=1).newer_than(dropped("b", second=2))


def test_a_sequencer_of_an_event_that_anybody_may_send_decides_nothing_that_s3s_own_time_does() -> None:
    forged = dropped("a", second=1, sequencer="F" * 40)
    assert dropped("b", second=2, sequencer="0055").newer_than(forged)
    assert not forged.newer_than(dropped("b", second=2, sequencer="0055"))


def test_for_one_key_and_second_the_sequencer_decides_after_padding_with_zeros_on_the_right() -> None:
    early, late = dropped("a", sequencer="0055AED6DCD90281E5"), dropped("b", sequencer="0055AED6DCD90281E51")
    assert late.newer_than(early)
    assert not early.newer_than(late)
    assert dropped("a", sequencer="0b").newer_than(dropped("b", sequencer="0A"))
    assert dropped("a", sequencer="0056").newer_than(dropped("b", sequencer="00551"))  # as 00560 and 00551, not 00056


def test_for_different_keys_sequencers_say_nothing() -> None:
    mine = dropped("a", second=1, sequencer="FF", key="hello/1.zip")
    assert dropped("b", second=2, sequencer="00", key="hello/2.zip").newer_than(mine)


@given(st.integers(0, 3), st.integers(0, 3))
def test_of_two_drops_at_most_one_is_newer_and_in_the_same_second_none(first: int, second: int) -> None:
    mine, theirs = dropped("a", first), dropped("b", second)
    assert mine.newer_than(theirs) == (first > second)
    assert theirs.newer_than(mine) == (second > first)


@given(st.text(min_size=1, max_size=300), st.integers(0, 10**9), st.sampled_from(["", "0055AED6DCD90281E5", "F" * 40]))
def test_a_description_survives_its_way_through_lambda(label: str, second: int, sequencer: str) -> None:
    made = VersionDescription.of(drop(sequencer=sequencer), NOON + timedelta(seconds=second))
    description = made.model_copy(update={"label": label}).encode()
    found = VersionDescription.parse(description)
    assert len(description) <= 256
    assert found is not None
    assert found.model_copy(update={"label": made.label}) == made


def test_a_description_that_somebody_else_wrote_records_no_release() -> None:
    assert VersionDescription.parse("my own version") is None
