"""Parts cover a bundle without gap or overlap."""

from hypothesis import given
from hypothesis import strategies as st

from bootstrap.index import Frame, Index
from bootstrap.loader.parts import CLOSING, LARGER, USUAL, VERY_LARGE, plan

SIZES = st.lists(st.integers(1, 5 << 20), min_size=1, max_size=200)


@given(SIZES)
def test_parts_tile_the_bundle_in_order(sizes: list[int]) -> None:
    index = _index(sizes)
    parts = plan(index)
    assert [frame for part in parts for frame in part.frames] == index.frames
    assert [part.size for part in parts] == [sum(frame.compressed for frame in part.frames) for part in parts]
    assert [part.first for part in parts] == [sum(len(part.frames) for part in parts[:n]) for n in range(len(parts))]
    assert [part.offset for part in parts] == [sum(part.size for part in parts[:n]) for n in range(len(parts))]


@given(SIZES)
def test_a_part_is_one_frame_or_bounded(sizes: list[int]) -> None:
    parts = plan(_index(sizes))
    assert all(len(part.frames) == 1 or part.size <= LARGER[0][1] for part in parts)


def test_the_last_parts_of_a_very_large_file_are_short() -> None:
    before, pieces, after, size = 40, VERY_LARGE >> 20, 40, 1 << 20
    files = [*range(before), *[before] * pieces, *range(before + 1, before + 1 + after)]
    parts = plan(Index([], [], [], [Frame(size, size, "", [[0], [size], [0], [[file]]]) for file in files], 0))
    end = (before + pieces) * size
    assert {part.size for part in parts if end - CLOSING <= part.offset < end} == {USUAL}
    around = [
        part for part in parts if VERY_LARGE // 2 < part.offset < end - CLOSING or end <= part.offset < end + CLOSING
    ]
    assert {part.size for part in around} == {4 * size, 8 * size}


def _index(sizes: list[int]) -> Index:
    return Index([], [], [], [Frame(size, size, "", []) for size in sizes], 0)
