"""Nobody waits for a bundle longer than its budget, and a patient build ends within its own; all in virtual time."""

import heapq
from datetime import timedelta
from pathlib import Path

import pytest

from deployer.bundle.compress import SPEEDS, STRONGEST, WAITED_FOR, Maker, Pace
from deployer.bundle.frames import LARGEST, Frame
from deployer.bundle.pieces import Piece
from deployer.bundle.plan import BuildOptions
from deployer.bundle.recipe import Stored

BUDGET = 15.0
FASTEST = min(SPEEDS)


class Machine:
    """Threads that compress at a share of the expected speeds; its clock shows when the next one is free."""

    def __init__(self, frames: int, share: float, *, threads: int = 2, patient: bool = False) -> None:
        self.now = 0.0
        self.levels = list[int]()
        options = BuildOptions(python=None, budget=timedelta(seconds=BUDGET), threads=threads, patient=patient)
        pace = Pace(options, lambda: self.now)
        pace.remaining = frames * LARGEST
        free = [(0.0, 0, 0.0)] * threads
        """By thread: the time at which it is free, the level of its next frame, and the seconds that this takes."""
        for _ in range(frames):
            self.now, level, seconds = heapq.heappop(free)
            if level:
                pace.learn(level, LARGEST, seconds)
            level = pace.level(LARGEST)
            seconds = LARGEST / 1e6 / SPEEDS[level] / share
            self.levels.append(level)
            heapq.heappush(free, (self.now + seconds, level, seconds))
        self.now = max(free)[0]


@pytest.mark.parametrize("threads", [1, 2, 6])
@pytest.mark.parametrize("share", [2, 1, 0.5, 0.25])
@pytest.mark.parametrize("load", [0.01, 0.1, 0.5, 0.8])
def test_nobody_waits_longer_than_the_budget(load: float, share: float, threads: int) -> None:
    """Wherever the fastest level would do, with a fifth to spare. The last frames may end 2 % later."""
    frames = int(load * BUDGET * SPEEDS[FASTEST] * share * threads * 1e6 / LARGEST)
    assert Machine(frames, share, threads=threads).now <= 1.02 * BUDGET


def test_the_level_falls_when_the_time_does_not_suffice() -> None:
    roomy, tight, hopeless = (Machine(frames, 1).levels for frames in (50, 300, 5_000))
    assert set(roomy) == {WAITED_FOR}
    assert FASTEST < min(tight) < WAITED_FOR
    assert set(hopeless) == {FASTEST}


def test_the_level_falls_on_a_machine_that_is_slower_than_expected() -> None:
    assert min(Machine(100, 1).levels) == WAITED_FOR
    slow = Machine(100, 0.25).levels
    assert slow[0] == WAITED_FOR
    assert slow[-1] < WAITED_FOR


def test_a_patient_build_is_strong_only_while_there_is_time() -> None:
    machine = Machine(100, 1, patient=True)
    strong = machine.levels.count(STRONGEST)
    assert machine.levels == [STRONGEST] * strong + [WAITED_FOR] * (100 - strong)
    assert strong == 2 * int(BUDGET * SPEEDS[STRONGEST] * 1e6 / LARGEST)


COPIED = "copied"


@pytest.mark.parametrize(
    ("patience", "late", "level", "made"),
    [
        (True, 0.0, WAITED_FOR, STRONGEST),
        (True, 0.0, STRONGEST, COPIED),
        (False, 0.0, WAITED_FOR, COPIED),
        (True, BUDGET, WAITED_FOR, COPIED),
    ],
    ids=["there is time", "as strong as can be", "somebody waits", "no time is left"],
)
def test_a_stored_frame_is_made_stronger_only_with_time_left(
    patience: object, late: float, level: int, made: int | str, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("abc" * 9)
    begun = iter([0.0])
    options = BuildOptions(python=None, budget=timedelta(seconds=BUDGET), patient=bool(patience))
    pace = Pace(options, lambda: next(begun, late))
    frame = Frame([Piece(b"", "data", "abc", 0, 27, 27, [0], 9, 0)])
    [(_, found)] = Maker(tmp_path, pace, {frame.key or "": Stored(0, 1_000, "", level)}).in_order([frame])
    assert (COPIED if isinstance(found, Stored) else found.level) == made
