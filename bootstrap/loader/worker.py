"""One loading process: an event loop over a few connections; verify, decompress and write each frame as it arrives.

The next part is asked for before the last frame of one is unpacked, so the network never waits for the processor.
Memory is one frame's buffer a connection, whatever the release's size.
"""

import mmap
import os
import select
import time
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from .. import report
from ..failures import LoadError, Retry, SlowDown, describe
from ..index import Frame
from ..pointer import Pointer
from . import unpack
from .borrow import Borrower
from .disk_space import NO_ROOM
from .fetch import TIMEOUT, Connection
from .holder import NUMBER
from .parts import Part
from .retry import Request

CONNECTIONS = 2


class Job(NamedTuple):
    """The shared state of all workers of one load."""

    pointer: Pointer
    parts: list[Part]
    place: unpack.Place
    queue: int
    """Descriptor to read part numbers from, four bytes each; it does not block."""
    placed: Callable[[int], None]
    """Is called with each part that is in place."""


class _Lane(NamedTuple):
    """A connection, and room for the frame that arrives over it."""

    connection: Connection
    buffer: memoryview


class Worker:
    """Takes parts from the job's queue until that ends."""

    def __init__(self, job: Job, connections: list[Connection], borrower: Borrower | None) -> None:
        self._job = job
        self._borrower = borrower
        size = max((frame.compressed for part in job.parts for frame in part.frames), default=1)
        # Pages of a map are made when they are used, by the process that uses them.
        self._idle = [_Lane(one, memoryview(mmap.mmap(-1, size, mmap.MAP_PRIVATE))) for one in connections[::-1]]
        self._busy: dict[int, tuple[_Lane, Request]] = {}
        self._pending: set[int] = set()
        """Connections that may have bytes which no poll shows: TLS decrypts a whole record."""
        self._again: list[Request] = []
        self._poll = select.poll()
        self._over = False
        self._coordinator = -1
        self.bytes = 0
        self.retries = 0
        self._slowed = False

    def run(self, coordinator: int, gone: Callable[[], NoReturn]) -> None:
        """Work until the queue has ended and everything asked for is in place; raises LoadError.

        Calls `gone` when the descriptor `coordinator` becomes readable: then the process that feeds the queue has
        ended.
        """
        self._coordinator, self._gone = coordinator, gone
        self._poll.register(coordinator, select.POLLIN)
        if self._borrower:
            self._borrower.watch(coordinator, gone)
        self.ask()
        while self._busy or self._again or not self._over:
            self._listen()
            self.ask()

    def leave(self) -> None:
        """Close connections and drop buffers: another process goes on with what was asked for."""
        for lane in (*self._idle, *(lane for lane, _ in self._busy.values())):
            lane.connection.close()
        self._idle.clear()
        self._busy.clear()

    def ask(self) -> None:
        """Ask for parts on every idle connection; what arrives waits in the sockets until this runs."""
        while self._idle:
            request = self._next()
            if request is None:
                return
            self._ask(self._idle.pop(), request)

    def _next(self) -> Request | None:
        """Return a request whose time has come, or a fresh one."""
        now = time.monotonic()
        for request in self._again:
            if request.not_before <= now:
                self._again.remove(request)
                return request
        return None if self._over else self._take()

    def _take(self) -> Request | None:
        """Return the next part of the queue; None while the queue is empty, and after its end."""
        try:
            number = os.read(self._job.queue, NUMBER.size)
        except BlockingIOError:
            return None
        self._over = not number
        return Request(NUMBER.unpack(number)[0]) if number else None

    def _ask(self, lane: _Lane, request: Request) -> None:
        part = self._job.parts[request.number]
        placed = sum(frame.compressed for frame in part.frames[: request.placed])
        try:
            lane.connection.ask(part.offset + placed, part.size - placed)
        except OSError as error:
            self._try_again(lane, request, error)
            return
        self._busy[lane.connection.fileno()] = lane, request
        self._poll.register(lane.connection.fileno(), select.POLLIN)

    def _listen(self) -> None:
        """Take one frame, if it has arrived, of every connection; wait until there is something to take or to ask."""
        hungry = bool(self._idle) and not self._over
        if hungry:
            self._poll.register(self._job.queue, select.POLLIN)
        ready = {descriptor for descriptor, _ in self._poll.poll(self._patience() * 1000)} | self._pending
        self._pending.clear()
        if self._coordinator in ready:
            self._gone()
        if hungry:
            self._poll.unregister(self._job.queue)
        for descriptor in ready & self._busy.keys():
            self._receive(descriptor)
        self._give_up_stalled()

    def _patience(self) -> float:
        """Return the seconds until something must be taken or asked for again."""
        if self._pending:
            return 0
        due = min((request.not_before for request in self._again), default=float("inf"))
        return max(0.001, min(TIMEOUT, due - time.monotonic()))

    def _receive(self, descriptor: int) -> None:
        lane, request = self._busy[descriptor]
        part = self._job.parts[request.number]
        number, frame = part.first + request.placed, part.frames[request.placed]
        data = lane.buffer[: frame.compressed]
        try:
            if not lane.connection.fill(data):
                return
            unpack.verify(frame, data)
        except OSError as error:
            self._try_again(*self._release(descriptor), error)
            return
        request.placed += 1
        if request.placed < len(part.frames):
            self._pending.add(descriptor)
            self._put(number, frame, data)
            return
        self._release(descriptor)
        self._idle.append(lane)
        self.ask()
        self._put(number, frame, data)
        self.bytes += part.size
        self._job.placed(request.number)

    def _give_up_stalled(self) -> None:
        now = time.monotonic()
        for descriptor, (lane, _) in list(self._busy.items()):
            if now - lane.connection.active > TIMEOUT:
                self._try_again(*self._release(descriptor), Retry(f"no byte came for {TIMEOUT:g} s"))

    def _release(self, descriptor: int) -> tuple[_Lane, Request]:
        self._poll.unregister(descriptor)
        self._pending.discard(descriptor)
        return self._busy.pop(descriptor)

    def _try_again(self, lane: _Lane, request: Request, error: OSError) -> None:
        lane.connection.close()
        self._idle.append(lane)
        self.retries += 1
        if isinstance(error, SlowDown) and not self._slowed:
            report.say(report.slowed(self._job.pointer))
            self._slowed = True
        request.postpone(self._job.pointer, error)
        self._again.append(request)

    def _put(self, number: int, frame: Frame, data: memoryview) -> None:
        try:
            unpack.put(frame, data, self._job.place, self._borrower)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise  # load.py tells of it, as wherever a disk fills up
            raise LoadError("Disk", f"{describe(self._job.pointer)}: frame {number}: {error}") from None
        if self._borrower:
            self._borrower.written(number, (file for files in frame.columns[3:] for some in files for file in some))
