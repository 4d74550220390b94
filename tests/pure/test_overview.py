"""The overview of an application: never without a release that is under way, and small whatever comes."""

from deployer.model.drop import VersionDescription
from deployer.model.overview import IgnoredDrop, Overview
from deployer.model.record import Record
from deployer.model.status import Ending, Status
from tests.pure.values import NOON, drop, dropped

LIVE = Ending(status=Status.LIVE, reason="all traffic")


def test_a_drop_is_under_way_until_it_ends_and_the_newest_until_another_comes() -> None:
    two = Overview().begun("a").begun("b").begun("b")
    assert (two.under_way, two.newest) == (("a", "b"), "b")
    ended = two.ended("a", Status.LIVE).ended("b", Status.FAILED).ended("a", Status.LIVE)
    assert (ended.under_way, ended.newest, ended.went_live) == ((), "b", ("a",))


def has_turn(overview: Overview) -> str | None:
    return overview.turn.release_id if overview.turn else None


def test_a_release_has_its_turn_until_it_is_prepared_or_ends_and_a_newer_drop_is_next() -> None:
    one = Overview().asked(dropped("a", 1), NOON, again=False)
    assert (has_turn(one), one.asked(dropped("a", 1), NOON, again=False)) == ("a", one)
    two = one.asked(dropped("b", 2), NOON, again=False)
    assert (has_turn(two), two.latest) == ("a", dropped("b", 2))
    assert two.asked(dropped("c", 0), NOON, again=False) == two, "an older one changes nothing"
    for prepared in (two.without_turn("a"), two.ended("a", Status.FAILED)):
        assert has_turn(prepared) is None
        assert has_turn(prepared.asked(dropped("b", 2), NOON, again=True)) == "b"
    assert has_turn(two.without_turn("b")) == "a"


def test_of_drops_of_one_second_the_one_that_asked_last_is_the_newest() -> None:
    """Also of a drop and of one that is released again by a command, which has a time of its own."""
    again = VersionDescription.of(drop("hello/1.zip"), NOON.replace(microsecond=900_000))
    one = Overview().asked(again, NOON, again=False)
    two = one.asked(dropped("b", key="hello/2.zip"), NOON, again=False)
    assert two.latest == dropped("b", key="hello/2.zip")
    assert two.asked(again, NOON, again=True) == two


def test_an_end_makes_room_for_older_drops_unless_it_is_live() -> None:
    one = Overview().asked(dropped("a", 1), NOON, again=False)
    assert one.ended("a", Status.LIVE).latest == dropped("a", 1)
    assert one.ended("a", Status.REJECTED).latest is None
    assert one.ended("b", Status.REJECTED).latest == dropped("a", 1)


def test_a_lost_overview_is_made_from_the_records() -> None:
    first, second = (
        Record.received(drop(version_id=version), NOON.replace(minute=minute)) for minute, version in enumerate("ab")
    )
    found = Overview.of([second, first.ended(NOON, LIVE)])
    assert found == Overview(under_way=(second.release_id,), newest=second.release_id, went_live=(first.release_id,))


def test_ignored_drops_are_few_and_each_is_kept_once() -> None:
    overview = Overview()
    for number in (1, 1, 2, 3, 4, 5, 6):
        overview = overview.with_ignored(IgnoredDrop(at=NOON, key=f"hello/{number}.whl", reason="no archive"))
    assert [one.key for one in overview.ignored] == [f"hello/{number}.whl" for number in (2, 3, 4, 5, 6)]
