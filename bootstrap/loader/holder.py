"""A process that holds leases on some hundred files, and a twin of it.

A process has 1,024 descriptors, so several hold what a release needs. A worker borrows the descriptor of a file to
write to it, and reports each frame that is in place. With the last frame of a file, the holder lets go of it.

    the holder ends                 its twin still holds every lease, and kills the application
    the twin or the coordinator do  the holder kills the application
    an opener waits for 30 s        so it does then; the kernel would let the opener in after 45 s
    an opener was let in            so it does as soon as it knows: before the application's next answer, and before it
                                    lets the file go, for afterwards nobody could know
"""

import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from ..index import File
from . import lease

type Notify = Callable[[Any], None]

BORROW, HEAD, WRITTEN, QUESTION = b"b", b"h", b"w", b"?"
NUMBER, NUMBERS = struct.Struct("<I"), "<%dI"
MESSAGE = 2 * lease.HEAD
"""Bytes that no message to a holder or a worker exceeds."""
SWEEP = 0.02
"""Seconds between two looks at which files have been opened: the next in the queue arrive without being asked for."""


class Share(NamedTuple):
    """The files that one holder leases."""

    files: dict[int, File]
    missing: dict[int, set[int]]
    """The frames that each file waits for."""
    begun: set[int]
    """Files whose first bytes an earlier load has put in place."""
    root: int


class Partners(NamedTuple):
    """Whom a holder talks to, and whom it watches."""

    number: int
    inbox: socket.socket
    workers: list[socket.socket]
    coordinator: int
    """A descriptor that is readable when the coordinator has ended."""
    notify: Notify
    notify_of_failure: Callable[[OSError], None]
    danger: Callable[[str], NoReturn]
    """Kills the application, reports why, and ends this process."""


class Holder:
    """The files that one process holds."""

    def __init__(self, share: Share, partners: Partners) -> None:
        """Hold nothing yet."""
        self._share, self._partners = share, partners
        self._held: dict[int, int] = {}
        self._heads: dict[int, bytes] = {}
        """The first bytes of files of several frames, until the rest is in place."""
        self._files_in: dict[int, list[int]] = {}
        self._opened: dict[int, float] = {}
        self._twin = 0
        self._poll = select.poll()
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._sweep_at = float("inf")

    def run(self) -> None:
        """Create and lease, say so, and serve until every file has been let go. Raises OSError."""
        signal.signal(signal.SIGIO, lambda *_: None)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        refused = self._take()
        self._begin_twin()
        self._partners.notify({"holding": self._partners.number, "refused": refused})
        for descriptor in (self._woken, self._partners.inbox.fileno(), self._partners.coordinator):
            self._poll.register(descriptor, select.POLLIN)
        while self._held:
            self._listen()
        os.kill(self._twin, signal.SIGKILL)
        os.waitpid(self._twin, 0)

    def _take(self) -> list[int]:
        """Return the files that could not be leased: these must be in place before the import."""
        refused = []
        for number, file in self._share.files.items():
            held = lease.create(file.path, file.mode, file.size, self._share.root)
            try:
                lease.take(held)
            except OSError:
                os.close(held)
                refused.append(number)
                continue
            if number in self._share.begun:
                self._heads[number] = os.pread(held, lease.HEAD, 0)
            lease.hide(held, file.size)
            self._held[number] = held
            for frame in self._share.missing[number]:
                self._files_in.setdefault(frame, []).append(number)
        return refused

    def _begin_twin(self) -> None:
        holder = os.pidfd_open(os.getpid())
        self._twin = os.fork()
        if self._twin:
            os.close(holder)
            self._ended = os.pidfd_open(self._twin)
            self._poll.register(self._ended, select.POLLIN)
            return
        signal.set_wakeup_fd(-1)
        self._be_twin(holder)

    def _be_twin(self, holder: int) -> NoReturn:
        """Reserve what large files need, then wait for the end of a partner."""
        try:
            for number, held in self._held.items():
                lease.reserve(held, self._share.files[number].size)
        except OSError as error:
            self._partners.notify_of_failure(error)
        self._poll.register(holder, select.POLLIN)
        self._poll.register(self._partners.coordinator, select.POLLIN)
        while not self._poll.poll():
            pass
        self._partners.danger("a process that held files has ended")

    def _listen(self) -> None:
        wait = min(self._sweep_at - time.monotonic(), 1.0 if self._opened else float("inf"))
        for descriptor, _ in self._poll.poll(None if wait == float("inf") else max(0, wait * 1000)):
            if descriptor == self._woken:
                os.read(self._woken, MESSAGE)
                self._sweep_at = min(self._sweep_at, time.monotonic() + SWEEP)
            elif descriptor == self._partners.inbox.fileno():
                self._serve(self._partners.inbox.recv(MESSAGE))
            else:
                self._partners.danger("a loading process has ended")
        if time.monotonic() >= self._sweep_at:
            self._sweep()
        if any(time.monotonic() - since > lease.WAITED for since in self._opened.values()):
            self._partners.danger(f"a file that was opened has not arrived within {lease.WAITED:g} s")

    def _sweep(self) -> None:
        """Return the files that somebody has opened after the last call."""
        self._sweep_at = float("inf")
        found = [number for number, held in self._held.items() if number not in self._opened and lease.asked_for(held)]
        self._opened |= dict.fromkeys(found, time.monotonic())
        for first in range(0, len(found), 300):
            self._partners.notify({"asked": found[first : first + 300]})

    def _serve(self, message: bytes) -> None:
        kind, body = message[:1], message[1:]
        if kind == HEAD:
            self._heads[NUMBER.unpack_from(body)[0]] = body[NUMBER.size :]
            return
        numbers = struct.unpack(NUMBERS % (len(body) // 4), body)
        if kind == BORROW:
            worker, *wanted = numbers
            lent = [number for number in wanted if number in self._held]
            content = struct.pack(NUMBERS % len(lent), *lent)
            socket.send_fds(self._partners.workers[worker], [b"!" + content], [self._held[number] for number in lent])
        elif kind == WRITTEN:
            for frame in numbers:
                self._placed(frame)
        else:
            self._sweep()
            for number in self._opened:
                self._check(self._held[number])
            self._partners.notify({"sound": self._partners.number, "question": numbers[0], "open": len(self._opened)})

    def _placed(self, frame: int) -> None:
        """Let go of every file that is whole with this frame."""
        for number in self._files_in.pop(frame, ()):
            self._share.missing[number].discard(frame)
            if not self._share.missing[number]:
                self._release(number)

    def _release(self, number: int) -> None:
        if number in self._heads:
            lease.place_head(self._held[number], self._heads.pop(number))
        self._check(self._held[number])
        lease.let_go(self._held.pop(number))
        self._opened.pop(number, None)

    def _check(self, held: int) -> None:
        if lease.let_in(held):
            self._partners.danger("the kernel has let somebody open a file that had not arrived")
