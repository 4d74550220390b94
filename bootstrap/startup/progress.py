"""The runtime's side of a load: start the loading process, follow its progress, ask it before each answer.

This process imports the application, so it imports nothing else: network, TLS and zstd live in the loading process.
"""

import fcntl
import os
import time
from typing import Any

from ..early import EarlyInvocation
from ..failures import LoadError, describe
from ..lines import Lines, send
from ..pointer import Pointer
from ..tree import Tree


class LoadProgress:
    """One load as the runtime's process sees it."""

    def __init__(
        self, pointer: Pointer, tree: Tree, early: EarlyInvocation | None = None, *, demand: bool, again: bool = False
    ) -> None:
        """Begin, unless this process has loaded the tree and started `again` in place.

        With `demand`, files may arrive while the application runs, where the kernel lets it wait for them. A tree that
        an earlier process of this environment left is looked at by the loading process first.
        """
        self._pointer = pointer
        self.done = self._open = self._sound = False
        self._failure: LoadError | None = None
        self.lock = os.open(tree.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._from_loader = self._to_loader = -1
        if again and tree.complete:
            fcntl.flock(self.lock, fcntl.LOCK_SH)
            self.done = True
        else:
            self._from_loader, self._to_loader = _fork(pointer, tree, self.lock, early, demand=demand)
        self._messages = Lines(self._from_loader)

    def wait_for_import(self) -> None:
        """Return when the application's import may begin; raises LoadError."""
        while not (self.done or self._open):
            self._listen()

    def wait_for_all(self) -> None:
        """Return when every file is in place; raises LoadError."""
        while not self.done:
            self._listen()

    def ready(self, phases: dict[str, float]) -> None:
        """Record that the application is ready, and return when no process waits for a file; raises LoadError.

        The runtime asks for an invocation next, and may be frozen then; a wait for a file must not last that long.
        """
        self._question({"ask": "quiet", "phases": phases})
        while self.done and self._from_loader >= 0:
            self._listen()  # until the loading process has reported and has ended

    def sound(self) -> None:
        """Return when it is certain that no process has read a file before it had arrived.

        Raises LoadError when the loading process has ended. If a file was read too early, the loading process kills
        this one.
        """
        self._question({"ask": "sound"})

    def _question(self, question: dict[str, Any]) -> None:
        if self._from_loader < 0:
            return
        self._sound = False
        try:  # noqa: SIM105 - contextlib would show in sys.modules
            send(self._to_loader, question)
        except BrokenPipeError:
            pass  # the loading process has ended; its last message has the reason
        while not self._sound and self._from_loader >= 0 and (question["ask"] == "sound" or not self._failure):
            self._read()
        if self._failure and question["ask"] == "quiet":
            raise self._failure

    def close(self) -> None:
        """Stop the load: the loading process ends with this one, or at its next report."""
        self._end()
        os.close(self.lock)

    def _listen(self) -> None:
        if self._failure is None:
            self._read()
        if self._failure is not None:
            raise self._failure

    def _read(self) -> None:
        messages = self._messages.read()
        if messages is None:
            self._end()
            if not self.done:
                raise LoadError(
                    "Loader", f"{describe(self._pointer)}: the loading process was killed; is memory short?"
                )
        for message in messages or ():
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        self._open |= "open" in message
        self._sound |= "sound" in message
        self.done |= "done" in message
        if "failed" in message:
            self._failure = LoadError(message["kind"], message["failed"])

    def _end(self) -> None:
        if self._from_loader >= 0:
            os.close(self._from_loader)
            os.close(self._to_loader)
            self._from_loader = self._to_loader = -1


def _fork(pointer: Pointer, tree: Tree, lock: int, early: EarlyInvocation | None, *, demand: bool) -> tuple[int, int]:
    """Start the loading process, not as a child of this one; return a pipe for its messages and one for questions."""
    messages, to_us = os.pipe()
    questions, to_loader = os.pipe()
    runtime, began = os.getpid(), time.monotonic()
    process = os.fork()
    if process:
        os.close(to_us)
        os.close(questions)
        os.waitpid(process, 0)
        return messages, to_loader
    try:
        if not os.fork():
            os.close(messages)
            os.close(to_loader)
            from ..loader.load import Ends, load  # noqa: PLC0415 - only the loading process needs the network

            load(pointer, tree, Ends(to_us, questions, lock, runtime, demand, early, began))
    finally:
        os._exit(0)
