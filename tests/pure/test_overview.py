"""The overview of an application: never without a release that is under way, and small whatever comes."""

from deployer.model.overview import IgnoredDrop, Overview
from deployer.model.record import Record
from deployer.model.status import Ending, Status
from tests.pure.values import NOON, drop

LIVE = Ending(status=Status.LIVE, reason="all traffic")


def test_a_drop_is_under_way_until_it_ends_and_the_newest_until_another_comes() -> None:
    two = Overview().begun("a").begun("b").begun("b")
    assert (two.under_way, two.newest) == (("a", "b"), "b")
    ended = two.ended("a", Status.LIVE).ended("b", Status.FAILED).ended("a", Status.LIVE)
    assert (ended.under_way, ended.newest, ended.went_live) == ((), "b", ("a",))


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
