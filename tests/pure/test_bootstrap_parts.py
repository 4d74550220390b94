"""Parts cover a bundle without gap or overlap, and none holds both hot and cold frames."""

from hypothesis import given
from hypothesis import strategies as st

from bootstrap.index import Frame, Index
from bootstrap.parts import USUAL, plan

SIZES = st.lists(st.integers(1, 5 << 20), min_size=1, max_size=200)


@given(SIZES, st.data())
def test_parts_tile_the_bundle_in_order(sizes: list[int], data: st.DataObject) -> None:
    frames = [Frame(size, size, "", []) for size in sizes]
    parts = plan(Index([], [], [], frames, 0, data.draw(st.integers(0, len(sizes))), {}))
    assert [frame for part in parts for frame in part.frames] == frames
    assert [part.size for part in parts] == [sum(frame.compressed for frame in part.frames) for part in parts]
    assert [part.offset for part in parts] == [sum(part.size for part in parts[:n]) for n in range(len(parts))]


@given(SIZES, st.data())
def test_the_first_parts_hold_the_hot_frames_and_nothing_else(sizes: list[int], data: st.DataObject) -> None:
    hot = data.draw(st.integers(0, len(sizes)))
    parts = plan(Index([], [], [], [Frame(size, size, "", []) for size in sizes], 0, hot, {}))
    early = [part for part in parts if part.hot]
    assert parts[: len(early)] == early
    assert sum(len(part.frames) for part in early) == hot


@given(SIZES)
def test_a_part_is_one_frame_or_bounded(sizes: list[int]) -> None:
    parts = plan(Index([], [], [], [Frame(size, size, "", []) for size in sizes], 0, 0, {}))
    assert all(len(part.frames) == 1 or part.size <= USUAL for part in parts)
