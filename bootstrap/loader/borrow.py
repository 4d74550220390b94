"""A worker's way to write to files that are held by leases: it borrows their descriptors from the holders."""

import select
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from ..index import Frame
from .holder import BORROW, HEAD, MESSAGE, NUMBER, NUMBERS, WRITTEN


class Borrower:
    """One worker's exchange of messages with the holders."""

    def __init__(
        self, worker: int, inbox: socket.socket, holders: list[socket.socket], held_by: Mapping[int, int]
    ) -> None:
        """Remember whom to ask: `held_by` maps a file to its holder."""
        self._worker, self._inbox, self._holders, self._held_by = worker, inbox, holders, held_by
        self._poll = select.poll()
        self._poll.register(inbox, select.POLLIN)

    def watch(self, coordinator: int, gone: Callable[[], NoReturn]) -> None:
        """Call `gone` when the coordinator ends while this waits for an answer."""
        self._poll.register(coordinator, select.POLLIN)
        self._coordinator, self._gone = coordinator, gone

    def holds_any_of(self, frame: Frame) -> bool:
        """Return whether a holder has files of a frame."""
        return any(not self._held_by.keys().isdisjoint(files) for one in frame.columns[3:] for files in one)

    def borrow(self, files: Iterable[int]) -> dict[int, int]:
        """Return a descriptor for each of the files that a holder has; the caller closes it."""
        asked: dict[int, list[int]] = {}
        for file in files:
            if (holder := self._held_by.get(file)) is not None:
                asked.setdefault(holder, []).append(file)
        lent: dict[int, int] = {}
        for holder, numbers in asked.items():
            if self._send(holder, BORROW, struct.pack(NUMBERS % (len(numbers) + 1), self._worker, *numbers)):
                lent |= self._receive(len(numbers))
        return lent

    def keep_head(self, file: int, head: bytes) -> None:
        """Let its holder write the first bytes of a file when the rest is in place."""
        self._send(self._held_by[file], HEAD, NUMBER.pack(file) + head)

    def written(self, frame: int, files: Iterable[int]) -> None:
        """Report that every byte of a frame is in place."""
        for holder in {self._held_by[file] for file in files if file in self._held_by}:
            self._send(holder, WRITTEN, NUMBER.pack(frame))

    def _send(self, holder: int, kind: bytes, content: bytes) -> bool:
        """Send a message; return False when the holder has ended, because it holds no files then."""
        try:
            self._holders[holder].send(kind + content)
        except ConnectionError:
            return False
        return True

    def _receive(self, most: int) -> dict[int, int]:
        if any(descriptor == self._coordinator for descriptor, _ in self._poll.poll()):
            self._gone()
        content, descriptors, _, _ = socket.recv_fds(self._inbox, MESSAGE, most, socket.MSG_CMSG_CLOEXEC)
        numbers = struct.unpack(NUMBERS % ((len(content) - 1) // 4), content[1:])
        return dict(zip(numbers, descriptors, strict=True))
