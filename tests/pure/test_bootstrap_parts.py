"""Parts cover a bundle without gap or overlap."""

from hypothesis import given
from hypothesis import strategies as st

from bootstrap.index import Frame, Index
from bootstrap.loader.parts import LARGER, plan

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


def _index(sizes: list[int]) -> Index:
    return Index([], [], [], [Frame(size, size, "", []) for size in sizes], 0)
