"""docs/aws.md has the tables of rows.toml and limits.py, and whatever they name is there."""

import pytest

from tests.reliances.page import PAGE, limit_tables, reliance_tables
from tests.reliances.rows import PARTS, Row, reliances, unknown

ROWS = reliances().all


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says[:60])
def test_what_a_row_names_is_there(row: Row) -> None:
    assert unknown(row) == []


def test_a_row_that_names_what_is_not_there_is_noticed() -> None:
    named = Row(
        says="it rains",
        documents=("almanac/today.html",),
        parts=("cloud",),
        live=("test_main_flows.py::test_rain", "test_rain.py"),
        held=("pure/test_drop.py::test_rain", "pure/conftest.py"),
    )
    assert unknown(named) == [
        *("almanac/today.html", "cloud", "live/test_main_flows.py::test_rain", "live/test_rain.py"),
        *("pure/test_drop.py::test_rain", "pure/conftest.py"),
    ]


def test_no_row_is_there_twice_and_each_part_and_place_stands_for_one() -> None:
    assert len({row.says for row in ROWS}) == len(ROWS)
    assert {part for row in ROWS for part in row.parts} == PARTS.keys()
    assert {one.partition("/")[0] for row in ROWS for one in row.documents} == reliances().documents.keys()
    assert reliances().rows.keys() == reliances().areas.keys()


def test_a_row_without_a_live_test_or_one_of_ours_says_what_is_open() -> None:
    assert not [row.says for row in ROWS if not (row.live or row.held or row.open)]
    assert not [row.says for row in ROWS if not row.stands and not row.open]


def test_the_page_is_current() -> None:
    """`make reliances` writes it."""
    text = PAGE.read_text()
    assert reliance_tables() in text
    assert limit_tables() in text
