"""The runtime's side of a load: start the loading process, hear what is in place, wait for what is needed.

This process imports the application, so it imports nothing else: network, TLS and zstd live in the loading process.
"""

import _thread
import fcntl
import json
import os
import select
import sys
import time
from collections.abc import Callable
from typing import Any

from ..failures import LoadError, what
from ..loader.directories import give_name
from ..pointer import Pointer
from ..tree import Tree

ALL = 1 << 30
"""More parts than any release has."""


class Loading:
    """One load as the runtime's process sees it; `parts`, `begin` and what follows are known once the index is here."""

    def __init__(self, pointer: Pointer, tree: Tree, tick: Callable[[], None]) -> None:
        """Begin; `tick` is called while waiting, at least ten times a second."""
        self._pointer, self._tree, self._owner = pointer, tree, os.getpid()
        self._root, self.root = tree.directory, os.path.realpath(tree.directory)
        self._tick = tick
        self._lines = b""
        self._placed = set[int]()
        self.parts, self.begin, self.low = ALL, ALL, 0
        """Numbers of parts: all, those that the import waits for, those in place without a gap from the first."""
        self.done = False
        self.changes = 0
        """Counts what has arrived, for caches of directories to be dropped."""
        self._late: list[tuple[int, str]] = []
        self.needs: dict[str, int] = {}
        self.roots, self.names = frozenset[str](), frozenset[str]()
        self.folders: dict[str, int] = {}
        self._turn = _thread.RLock()
        """Whose turn it is to listen: an application may import on several threads."""
        self.work: list[dict[str, Any]] = []
        self.seconds = 0.0
        """How long it took until every file was in place."""
        self._failure: LoadError | None = None
        self._began = time.monotonic()
        self.lock = os.open(tree.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._poll = select.poll()
        if tree.complete:
            fcntl.flock(self.lock, fcntl.LOCK_SH)
            self.done = True
        else:
            self._pipe, self._process = _fork(pointer, tree, self.lock)
            self._poll.register(self._pipe, select.POLLIN)

    def wait_to_begin(self) -> None:
        """Return when the application's import may begin; raises LoadError."""
        while not self.done and self.low < self.begin:
            self._listen()

    def wait_for(self, module: str) -> None:
        """Return when what the import of a module needs is in place; raises LoadError."""
        self._wait_for_parts(self._needed(module))

    def wait_for_listing(self, folder: str) -> None:
        """Return when nothing is missing right in a folder, named by its real path; raises LoadError."""
        below = folder.removeprefix(self.root).strip("/")
        self._wait_for_parts(self.folders.get(below, 0))

    def _wait_for_parts(self, needed: int) -> None:
        while not self.done and self.low < needed:
            self._listen()

    def _needed(self, module: str) -> int:
        """Give the number of leading parts; every part for a name that may be the tree's and is not known."""
        first, last = module.partition(".")[0], module.rpartition(".")[2]
        if self._has_more_paths():
            return ALL if last in self.names else 0
        if module in self.needs:
            return self.needs[module]
        return ALL if first in self.roots and last in self.names else 0

    def _has_more_paths(self) -> bool:
        """Tell whether modules of the tree may go by other names than their paths from its root give them."""
        paths: list[Any] = [path for path in sys.path if path]
        return any(isinstance(path, str) and (path[0] != "/" or path.startswith(f"{self._root}/")) for path in paths)

    def wait_for_all(self) -> None:
        """Return when every file is in place; raises LoadError."""
        while not self.done:
            self._listen()

    def close(self) -> None:
        """Give the load up; the loading processes end at the next part they place."""
        if not self.done:
            self._part()
        os.close(self.lock)

    def look(self) -> None:
        """Hear what has been told, without waiting; raises LoadError."""
        if self.done:
            self._tick()
        else:
            self._listen(0)

    def _listen(self, milliseconds: int = 100) -> None:
        if os.getpid() != self._owner:
            self._wait_as_child(milliseconds)
            return
        with self._turn:
            self._tick()
            if self._failure is not None:
                raise self._failure
            if not self.done and self._poll.poll(milliseconds):
                self._read()

    def _wait_as_child(self, milliseconds: int) -> None:
        """Wait in a process that the application forked meanwhile: what is told is for its parent."""
        self.done = self._tree.complete or os.getppid() != self._owner
        if not self.done:
            time.sleep(milliseconds / 1000)

    def _read(self) -> None:
        data = os.read(self._pipe, 1 << 16)
        if not data:
            raise LoadError("Loader", f"{what(self._pointer)}: the loading process was killed; is memory short?")
        *lines, self._lines = (self._lines + data).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def _hear(self, message: Any) -> None:  # noqa: ANN401 - whatever JSON can say
        if isinstance(message, int):
            self._placed.add(message)
            self.changes += 1
            low = self.low
            while low in self._placed:
                self._placed.remove(low)
                low += 1
            self._name_whole_files(low)
            self.low = low
        elif "failed" in message:
            self._failure = LoadError(message["kind"], message["failed"])
            raise self._failure
        elif "parts" in message:
            self.parts, self.begin, self.needs = message["parts"], message["begin"], message["needs"]
            self._late = sorted(map(tuple, message["late"]), reverse=True)
            self.roots, self.names = frozenset(message["roots"]), frozenset(message["names"])
            self.folders = message["folders"]
        elif "done" in message:
            self._finish()
        else:
            self.work.append(message)

    def _name_whole_files(self, low: int) -> None:
        """Let the import see files of several parts, now that nothing of them is missing."""
        while self._late and self._late[-1][0] <= low:
            give_name(self._root, self._late.pop()[1])

    def _finish(self) -> None:
        self.done = True
        self.seconds = time.monotonic() - self._began
        self.changes += 1
        self._part()

    def _part(self) -> None:
        """Take leave of the loading process, unless the application did: it may wait for every child there is."""
        os.close(self._pipe)
        try:  # noqa: SIM105 - contextlib would show in sys.modules
            os.waitpid(self._process, 0)
        except ChildProcessError:
            pass


def _fork(pointer: Pointer, tree: Tree, lock: int) -> tuple[int, int]:
    """Start the loading process; give the pipe to hear it by, and its number."""
    heard, told = os.pipe()
    process = os.fork()
    if process:
        os.close(told)
        return heard, process
    try:
        os.close(heard)
        from ..loader.load import load  # noqa: PLC0415 - only the loading process needs the network

        load(pointer, tree, lock, told)
    finally:
        os._exit(1)
