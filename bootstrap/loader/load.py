"""The loading process: index first, then every file at its full size, then its bytes, then the marker.

It is no child of the runtime's process: an application that waits for its children does not meet it. It has a session
of its own. It sends its messages over a pipe, one JSON value a line: {"open"} when the import may begin, {"sound"} in
reply to a question, {"done"} or {"failed"} last.
"""

import fcntl
import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, NoReturn

from .. import report
from ..early import EarlyInvocation
from ..failures import LoadError, describe
from ..lines import Lines, send
from ..pointer import Pointer
from ..tree import Tree
from . import index_request, lease, turn
from .application import Application
from .borrow import Borrower
from .coordinator import Coordinator, Runtime, give_up
from .directories import complete, open_root, prepare
from .disk_space import NO_ROOM, check_space, full, remove_others, remove_remains
from .holder import NUMBER, Holder, Notify, Partners, Share
from .part_queue import Queue, Work
from .parts import plan
from .shares import cut_tails, share, without_heads
from .unpack import Place
from .worker import CONNECTIONS, Job, Worker

LOADER_NICE = 15
"""Niceness of the loader where processors are few: the import has priority, and waits only for files that it needs.

A nice value of 15 leaves the import 97 % of a processor that both want (sched(7)). With 19 the load would all but stand
still beside an application that spins on every processor.
"""


class Ends(NamedTuple):
    """The loading process's connections with the runtime's."""

    messages: int
    questions: int
    """Descriptors of pipes, to write to and to read from."""
    lock: int
    runtime: int
    """Process id."""
    demand: bool
    """True if the application may begin before every file is in place."""
    early: EarlyInvocation | None
    began: float
    """Start of the cold start, by the monotonic clock."""


def load(pointer: Pointer, tree: Tree, ends: Ends) -> NoReturn:
    """Bring `tree` to completion, or report why not. Runs in a process of its own and ends it."""
    notify = partial(send, ends.messages)
    os.setsid()
    os.umask(0)
    gc.disable()  # much is made at once, and nothing of it goes before the process does
    try:
        if turn.take(ends.lock, tree) and not _is_usable(pointer, tree):
            _make_room(pointer, tree)
            Load(pointer, tree, ends, notify).run()
        else:
            fcntl.flock(ends.lock, fcntl.LOCK_SH)
            notify({"done": True})
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - the other process must learn of everything; this one ends
        _notify_of_failure(error, pointer, tree, notify)
    finally:
        os.killpg(0, signal.SIGKILL)  # this process, and whatever it forked
        os._exit(1)


def _notify_of_failure(error: BaseException, pointer: Pointer, tree: Tree, notify: Notify) -> None:
    """Report a failure in words that say what to do, unless the runtime's process has ended."""
    if isinstance(error, BrokenPipeError):
        return
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        error = full(tree, pointer)
    if not isinstance(error, LoadError):
        error = LoadError("Loader", f"{describe(pointer)}: the loader failed: {error!r}")
    notify({"failed": str(error), "kind": error.kind})


def _is_usable(pointer: Pointer, tree: Tree) -> bool:
    """Return whether an earlier process left a tree that is as it was verified; one that is not is given up."""
    if not tree.complete:
        return False
    from .restart import changed  # noqa: PLC0415 - a cold start does without

    found = changed(tree, pointer)
    if found is None:
        return True
    report.say(report.changed(pointer, found))
    os.unlink(tree.marker)
    remove_remains(tree)
    return False


def _make_room(pointer: Pointer, tree: Tree) -> None:
    """Remove what is in the way of the tree; raises LoadError if it still does not fit."""
    remove_others(tree)
    if not os.path.exists(tree.journal):
        remove_remains(tree)
    check_space(tree, pointer)


class Load:
    """One load by this process and those that it forks."""

    def __init__(self, pointer: Pointer, tree: Tree, ends: Ends, notify: Notify) -> None:
        """Fetch the index and decide who does what; raises LoadError."""
        self._pointer, self._tree, self._ends, self._notify = pointer, tree, ends, notify
        self._connections = index_request.connect(pointer)
        self._index_bytes, self._index = index_request.fetch(pointer, tree, self._connections)
        self._parts = plan(self._index)
        self._journal = os.open(tree.journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        known = _already(self._journal)
        self._resumed = bool(known)
        self._place = Place(self._index.files, open_root(tree))
        known -= without_heads(self._index, self._parts, known, self._place.root)
        self._shares = share(self._index, self._parts, known, demand=ends.demand and lease.work(tree.base))
        work = Work(len(self._parts), known, self._shares.awaited, self._shares.parts_of)
        self._queue = Queue(work)
        self._application = Application(ends.runtime)
        asked = os.open(tree.asked, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        runtime = Runtime(notify, Lines(ends.questions), asked, ends.early)
        self._coordinator = Coordinator(pointer, work, self._queue, self._application, runtime)

    def run(self) -> None:
        """Return when the load is complete and reported; raises LoadError and OSError."""
        holders = self._shares.holders(self._index.files)
        inboxes = [_inbox() for _ in holders]
        team = self._team([ours for _, ours in inboxes], holders)
        self._queue.feed(len(self._connections))
        for worker, _ in team:
            worker.ask()  # the first parts are on their way while this makes directories
        prepare(self._tree, self._index, self._place.root)
        if self._resumed:
            cut_tails(self._index, self._place.root)
        gc.freeze()
        answers = [ours for _, (_, ours) in team]
        for worker, (theirs, _) in team:
            self._coordinator.watch(self._fork(partial(self._work, worker, [theirs for theirs, _ in inboxes])))
            worker.leave()
            theirs.close()
        for number, (files, (theirs, ours)) in enumerate(zip(holders, inboxes, strict=True)):
            process = self._fork(partial(self._hold, number, files, theirs, answers))
            theirs.close()
            self._coordinator.watch(process, number, ours)
        self._finish()

    def _finish(self) -> None:
        self._coordinator.run()
        complete(self._tree, self._index_bytes)
        fcntl.flock(self._ends.lock, fcntl.LOCK_SH)
        seconds = time.monotonic() - self._ends.began
        self._notify({"done": True})
        phases = {**self._coordinator.linger(), "files": seconds}
        facts = {"parts": len(self._parts), "leased": len(self._shares.missing)}
        report.say(report.loaded(self._pointer, phases, self._coordinator.work, facts))

    def _team(
        self, holders: list[socket.socket], shares: list[dict[int, Any]]
    ) -> list[tuple[Worker, tuple[socket.socket, socket.socket]]]:
        """Return the workers, each with the two ends of its inbox."""
        held_by = {file: holder for holder, files in enumerate(shares) for file in files}
        job = Job(self._pointer, self._parts, self._place, self._queue.output, self._placed)
        team = []
        for number, first in enumerate(range(0, len(self._connections), CONNECTIONS)):
            inbox = _inbox()
            borrower = Borrower(number, inbox[0], holders, held_by) if holders else None
            team.append((Worker(job, self._connections[first : first + CONNECTIONS], borrower), inbox))
        return team

    def _placed(self, part: int) -> None:
        os.write(self._journal, NUMBER.pack(part))
        self._coordinator.notify_from_child(part)

    def _fork(self, run: Callable[[int], None]) -> int:
        """Run in a process of its own, with a descriptor that is readable when this one has ended."""
        parent = os.getpid()
        process = os.fork()
        if process:
            return process
        status = 1
        try:
            coordinator = os.pidfd_open(parent)
            os.close(self._queue.input)
            os.nice(LOADER_NICE)
            run(coordinator)
            status = 0
        except BaseException as error:  # noqa: BLE001 - as above
            _notify_of_failure(error, self._pointer, self._tree, self._coordinator.notify_from_child)
        finally:
            os._exit(status)

    def _work(self, worker: Worker, inboxes: list[socket.socket], coordinator: int) -> None:
        for inbox in inboxes:
            inbox.close()  # with a holder's own end of it, the last one: a message to it must fail then
        started = time.process_time()
        worker.run(coordinator, self._gone)
        spent = round(time.process_time() - started, 3)
        self._coordinator.notify_from_child({"bytes": worker.bytes, "retries": worker.retries, "cpu_s": spent})

    def _hold(
        self, number: int, files: dict[int, Any], inbox: socket.socket, workers: list[socket.socket], coordinator: int
    ) -> None:
        missing = {file: self._shares.missing[file] for file in files}
        ours = Share(files, missing, self._shares.begun, self._place.root)
        notify = self._coordinator.notify_from_child
        why = partial(_notify_of_failure, pointer=self._pointer, tree=self._tree, notify=notify)
        danger = partial(give_up, self._pointer, self._application)
        Holder(ours, Partners(number, inbox, workers, coordinator, notify, why, danger)).run()

    def _gone(self) -> NoReturn:
        """End a worker whose coordinator has ended."""
        if self._shares.missing:
            give_up(self._pointer, self._application, "the process that coordinates the load has ended")
        os._exit(1)


def _inbox() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)


def _already(journal: int) -> set[int]:
    """Return the parts that an earlier, killed load has put in place."""
    content = os.read(journal, os.fstat(journal).st_size)
    whole = len(content) - len(content) % NUMBER.size
    return {number for (number,) in NUMBER.iter_unpack(content[:whole])}
