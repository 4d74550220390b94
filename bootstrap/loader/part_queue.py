"""The order in which the parts of a load are handed out."""

import fcntl
import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .holder import NUMBER

PAGE = 4096


class Work(NamedTuple):
    """The work of a load, in numbers of parts and files."""

    parts: int
    known: set[int]
    """Parts that an earlier load has put in place."""
    awaited: set[int]
    """Parts that must be in place before the import."""
    parts_of: Callable[[int], Iterable[int]]
    """Returns the parts that hold a file."""


class Queue:
    """The numbers of the parts to come, those that somebody waits for first.

    They go through a pipe of one page, which is written to only when it is empty. So the order may change until a
    worker has time.
    """

    def __init__(self, work: Work) -> None:
        """Fill the queue."""
        numbers = (number for number in range(work.parts) if number not in work.known)
        self._left = deque(sorted(numbers, key=lambda number: number not in work.awaited))
        self.output, self.input = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        fcntl.fcntl(self.input, fcntl.F_SETPIPE_SZ, PAGE)

    def feed(self, most: int = 1) -> bool:
        """Let a worker take the next part, or so many; return False for an empty queue."""
        for _ in range(min(most, len(self._left))):
            os.write(self.input, NUMBER.pack(self._left.popleft()))
        return bool(self._left)

    def prefer(self, parts: Iterable[int]) -> None:
        """Put some parts first, in their order."""
        wanted = [number for number in parts if number in self._left]
        chosen = set(wanted)
        self._left = deque([*wanted, *(number for number in self._left if number not in chosen)])
