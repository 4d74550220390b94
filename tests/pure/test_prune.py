"""The versions and bundles that a prune keeps; the command itself is in tests/workflow."""

from datetime import timedelta

import pytest

from deployer.aws.bundles_bucket import ObjectVersion
from deployer.commands.prune import newest_bundles, unreferenced_bundles, versions_to_keep
from deployer.model.alias import Alias
from deployer.model.record import Record
from deployer.model.version import PublishedVersion
from tests.pure.values import NOON, POINTER, drop, dropped, untouched

KIND = "-python3.13-x86_64.tar.zst"


def release(number: int) -> str:
    return f"{number:032x}"


def version(number: int, key: str = "") -> PublishedVersion:
    """A version whose release has its number."""
    pointer = POINTER._replace(key=key or f"bundles/hello/{number:064x}{KIND}", id=release(number))
    return PublishedVersion(version=str(number), description=dropped(release(number)), pointer=pointer.encode())


FIVE = [version(number) for number in (2, 3, 4, 5, 6)]
LIVE = frozenset(map(release, (2, 3, 4, 5, 6)))
PROMOTED = untouched("5").promote(release(6), "6")
MOVED = PROMOTED.model_copy(update={"stable": "2"})


@pytest.mark.parametrize(
    ("keep", "alias", "named", "under_way", "went_live", "kept"),
    [
        (1, untouched("6"), {"6"}, [], LIVE, {"6"}),
        (2, untouched("6"), {"6"}, [], LIVE, {"5", "6"}),
        (9, untouched("6"), {"6"}, [], LIVE, {"2", "3", "4", "5", "6"}),
        (1, PROMOTED, {"6"}, [], LIVE, {"5", "6"}),
        (1, MOVED, {"2"}, [], LIVE, {"2", "5", "6"}),
        (1, untouched("6"), {"3", "6"}, [], LIVE, {"3", "6"}),
        (1, untouched("6"), {"6"}, ["4"], LIVE, {"4", "6"}),
        (1, untouched("6"), {"6"}, [None], LIVE, {"6"}),
        (2, untouched("6"), {"6"}, [], frozenset({release(2), release(4)}), {"2", "4", "6"}),
        (3, untouched("6"), {"6"}, [], frozenset({release(2), release(4)}), {"2", "4", "6"}),
    ],
)
def test_the_newest_that_went_live_stay_and_whatever_is_named(
    keep: int, alias: Alias, named: set[str], under_way: list[str | None], went_live: frozenset[str], kept: set[str]
) -> None:
    records = [Record.received(drop(), NOON).model_copy(update={"version": one}) for one in under_way]
    assert versions_to_keep(FIVE, keep, alias, frozenset(named), records, went_live) == kept


def test_a_version_without_a_description_went_live_for_nobody() -> None:
    strange = version(7).model_copy(update={"description": None})
    assert versions_to_keep([*FIVE, strange], 1, untouched("6"), frozenset(), [], LIVE) == {"6"}


def stored(key: str, version_id: str = "v1", minutes: int = 0) -> ObjectVersion:
    return ObjectVersion(key=key, version_id=version_id, size=1, modified=NOON + timedelta(minutes=minutes))


def bundle(number: int, version_id: str = "v1") -> ObjectVersion:
    return stored(f"bundles/hello/{number:064x}{KIND}", version_id)


def location(number: int) -> ObjectVersion:
    return stored(f"bundles/hello/{number:064x}{KIND.removesuffix('.tar.zst')}.json")


def test_a_bundle_goes_with_its_location_once_nothing_points_at_it() -> None:
    there = [bundle(2), location(2), bundle(3), location(3)]
    assert unreferenced_bundles(there, [version(3)], []) == [bundle(2), location(2)]
    assert unreferenced_bundles(there, [version(2), version(3)], []) == []
    assert unreferenced_bundles(there, [], []) == there


def test_only_the_object_version_that_is_used_stays_and_the_location_waits_for_the_other() -> None:
    there = [bundle(2, "v0"), bundle(2, "v1"), location(2)]
    assert unreferenced_bundles(there, [version(2)], []) == [bundle(2, "v0"), location(2)]


def test_the_bundle_of_a_release_under_way_stays() -> None:
    making = Record.received(drop(), NOON).model_copy(update={"archive_sha256": f"{2:064x}"})
    unknown = Record.received(drop(), NOON)
    there = [bundle(2), location(2), bundle(3)]
    assert unreferenced_bundles(there, [], [making, unknown]) == [bundle(3)]


def test_a_location_without_a_bundle_goes_unless_its_bundle_is_used() -> None:
    assert unreferenced_bundles([location(2)], [], []) == [location(2)]
    assert unreferenced_bundles([location(2)], [version(2)], []) == []


def test_the_bundle_that_was_made_last_of_each_kind_stays() -> None:
    kinds = ["a-python3.13-x86_64.tar.zst", "b-python3.13-x86_64.tar.zst", "c-python3.14-x86_64.tar.zst"]
    there = [stored(f"bundles/hello/{key}", "v1", minutes) for key, minutes in zip(kinds, (2, 1, 0), strict=True)]
    there.append(stored("bundles/hello/d-python3.13-x86_64.json", "v1", 9))
    newest = newest_bundles(there)
    assert newest == {(f"bundles/hello/{kinds[0]}", "v1"), (f"bundles/hello/{kinds[2]}", "v1")}
    assert unreferenced_bundles(there, [], [], newest) == [there[1], there[3]]
