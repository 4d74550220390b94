"""Parts cover a bundle without gap or overlap, and none holds both hot and cold frames."""

from hypothesis import given
from hypothesis import strategies as st

from bootstrap.index import Frame, Index, Modules
from bootstrap.loader.parts import USUAL, covering, plan

SIZES = st.lists(st.integers(1, 5 << 20), min_size=1, max_size=200)


@given(SIZES, st.data())
def test_parts_tile_the_bundle_in_order(sizes: list[int], data: st.DataObject) -> None:
    index = _index(sizes, data.draw(st.integers(0, len(sizes))))
    parts = plan(index)
    assert [frame for part in parts for frame in part.frames] == index.frames
    assert [part.size for part in parts] == [sum(frame.compressed for frame in part.frames) for part in parts]
    assert [part.offset for part in parts] == [sum(part.size for part in parts[:n]) for n in range(len(parts))]


@given(SIZES, st.data())
def test_the_first_parts_hold_the_hot_frames_and_nothing_else(sizes: list[int], data: st.DataObject) -> None:
    hot = data.draw(st.integers(0, len(sizes)))
    parts = plan(_index(sizes, hot))
    early = [part for part in parts if part.hot]
    assert parts[: len(early)] == early
    assert sum(len(part.frames) for part in early) == hot


@given(SIZES)
def test_a_part_is_one_frame_or_bounded(sizes: list[int]) -> None:
    parts = plan(_index(sizes, 0))
    assert all(len(part.frames) == 1 or part.size <= USUAL for part in parts)


@given(SIZES)
def test_so_many_leading_parts_hold_so_many_leading_frames(sizes: list[int]) -> None:
    parts = plan(_index(sizes, 0))
    for frames, needed in enumerate(covering(parts)):
        assert sum(len(part.frames) for part in parts[:needed]) >= frames
        assert needed == 0 or sum(len(part.frames) for part in parts[: needed - 1]) < frames


def _index(sizes: list[int], hot: int) -> Index:
    frames = [Frame(size, size, "", []) for size in sizes]
    return Index([], [], [], frames, 0, hot, [], Modules({}, {}, [], [], libraries=False))
