"""One loading process: an event loop over a few connections; verify, decompress, write, ask for more.

A part is asked for before the previous one is unpacked, so the network never waits for the processor. Memory is one
buffer a connection and one spare, whatever the release's size.
"""

import os
import select
import time
from collections import deque
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

ATTEMPTS = 6
BACKOFF = 0.05
"""Seconds before the second attempt; tripled each time, with up to half as much again by chance."""
BUSY, LONGEST = 0.1, 2.0
"""Seconds within which a part is asked for again that S3 was too busy for: doubled each time, up to the second."""
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


class _Request:
    """One part on its way: from the queue into a buffer, and from there into files."""

    def __init__(self, number: int, buffer: memoryview) -> None:
        self.number = number
        self.buffer = buffer
        self.attempts = 0
        self.slowed = 0
        """Number of times that S3 was too busy for it: none of them is an attempt."""
        self.not_before = 0.0
        self.unpacked = 0
        """Number of frames in place: what they hold may have been let go, and is not written again."""


class Worker:
    """Takes parts from the job's queue until that ends."""

    def __init__(self, job: Job, connections: list[Connection], borrower: Borrower | None) -> None:
        self._job = job
        self._borrower = borrower
        self._idle = connections[::-1]
        self._busy: dict[int, tuple[Connection, _Request]] = {}
        self._again: list[_Request] = []
        self._arrived: deque[_Request] = deque()
        size = max(part.size for part in job.parts)
        self._buffers = [memoryview(bytearray(size)) for _ in range(len(connections) + 1)]
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
        while True:
            self.ask()
            if self._arrived:
                self._unpack(self._arrived.popleft())
            elif self._busy or self._again or not self._over:
                self._listen(self._patience())
            else:
                return

    def leave(self) -> None:
        """Close connections and drop buffers: another process goes on with what was asked for."""
        for connection in (*self._idle, *(connection for connection, _ in self._busy.values())):
            connection.close()
        self._busy.clear()
        self._buffers.clear()

    def _patience(self) -> float:
        """Return the seconds until something must be asked for again."""
        due = min((request.not_before for request in self._again), default=float("inf"))
        return max(0.001, min(TIMEOUT, due - time.monotonic()))

    def ask(self) -> None:
        """Ask for parts on every idle connection; what arrives waits in the sockets until this runs."""
        while self._idle:
            request = self._next()
            if request is None:
                return
            self._ask(self._idle.pop(), request)

    def _next(self) -> _Request | None:
        """Return a request whose time has come, or a fresh one while a buffer is free."""
        now = time.monotonic()
        for request in self._again:
            if request.not_before <= now:
                self._again.remove(request)
                return request
        number = self._take() if self._buffers and not self._over else None
        return None if number is None else _Request(number, self._buffers.pop())

    def _take(self) -> int | None:
        """Return the next number of the queue; None when there is none at the moment, or none to come."""
        try:
            number = os.read(self._job.queue, NUMBER.size)
        except BlockingIOError:
            return None
        self._over = not number
        return NUMBER.unpack(number)[0] if number else None

    def _ask(self, connection: Connection, request: _Request) -> None:
        part = self._job.parts[request.number]
        try:
            connection.ask(part.offset, part.size, request.buffer)
        except OSError as error:
            self._try_again(connection, request, error)
            return
        self._busy[connection.fileno()] = connection, request
        self._poll.register(connection.fileno(), select.POLLIN)

    def _listen(self, seconds: float) -> None:
        hungry = bool(self._idle and self._buffers) and not self._over
        if hungry:
            self._poll.register(self._job.queue, select.POLLIN)
        for descriptor, _ in self._poll.poll(seconds * 1000):
            if descriptor == self._coordinator:
                self._gone()
            if descriptor != self._job.queue:
                self._pump(descriptor)
        if hungry:
            self._poll.unregister(self._job.queue)
        self._give_up_stalled()

    def _give_up_stalled(self) -> None:
        now = time.monotonic()
        for descriptor, (connection, _) in list(self._busy.items()):
            if now - connection.active > TIMEOUT:
                self._give_up(descriptor, Retry(f"no byte came for {TIMEOUT:g} s"))

    def _pump(self, descriptor: int) -> None:
        connection, request = self._busy[descriptor]
        try:
            if not connection.pump():
                return
        except OSError as error:
            self._give_up(descriptor, error)
            return
        self._release(descriptor)
        self._idle.append(connection)
        self._arrived.append(request)

    def _release(self, descriptor: int) -> tuple[Connection, _Request]:
        self._poll.unregister(descriptor)
        return self._busy.pop(descriptor)

    def _give_up(self, descriptor: int, error: OSError) -> None:
        self._try_again(*self._release(descriptor), error)

    def _try_again(self, connection: Connection, request: _Request, error: OSError) -> None:
        connection.close()
        self._idle.append(connection)
        self._postpone(request, error)

    def _postpone(self, request: _Request, error: OSError) -> None:
        self.retries += 1
        if isinstance(error, SlowDown):
            request.slowed += 1
            wait = pause(request.slowed)
            if not self._slowed:
                report.say(report.slowed(self._job.pointer))
            self._slowed = True
        else:
            request.attempts += 1
            if request.attempts >= ATTEMPTS:
                raise gave_up(self._job.pointer, error)
            wait = backoff(request.attempts)
        request.not_before = time.monotonic() + wait
        self._again.append(request)

    def _unpack(self, request: _Request) -> None:
        part = self._job.parts[request.number]
        position = sum(frame.compressed for frame in part.frames[: request.unpacked])
        for number, frame in enumerate(part.frames[request.unpacked :], request.unpacked):
            data = request.buffer[position : position + frame.compressed]
            try:
                unpack.verify(frame, data)
            except Retry as error:
                self._postpone(request, error)
                return
            self._put(part.first + number, frame, data)
            request.unpacked += 1
            position += frame.compressed
            if self._busy:
                self._listen(0)
        self.bytes += part.size
        self._buffers.append(request.buffer)
        self._job.placed(request.number)

    def _put(self, number: int, frame: Frame, data: memoryview) -> None:
        try:
            unpack.put(frame, data, self._job.place, self._borrower)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise  # load.py tells of it, as wherever a disk fills up
            raise LoadError("Disk", f"{describe(self._job.pointer)}: frame {number}: {error}") from None
        if self._borrower:
            self._borrower.written(number, (file for files in frame.columns[3:] for some in files for file in some))


def backoff(attempts: int) -> float:
    """Return the seconds to wait before attempt number `attempts` + 1."""
    return float(BACKOFF * 3 ** (attempts - 1) * (1 + os.urandom(1)[0] / 510))


def pause(slowed: int) -> float:
    """Return the seconds to wait after S3 was too busy for so many times, anywhere within a bound that grows.

    A thousand environments that start at once would otherwise come again at once. There is no last time: the function's
    own time-out ends a load that S3 has no time for.
    """
    chance = int.from_bytes(os.urandom(2)) / 0xFFFF
    return float(min(LONGEST, BUSY * 2 ** min(slowed, 10)) * chance)


def gave_up(pointer: Pointer, error: OSError) -> LoadError:
    """Return the failure after the last attempt, with what to look at."""
    if isinstance(error, Retry) and "digest" in str(error):
        remedy = "the object is not what was published: redeploy the release"
        return LoadError("WrongBytes", f"{describe(pointer)}: {error}; {remedy}")
    remedy = "see that the function reaches S3 (in a VPC: a gateway endpoint) and try again"
    return LoadError("Unreachable", f"{describe(pointer)}: gave up after {ATTEMPTS} attempts: {error}; {remedy}")
