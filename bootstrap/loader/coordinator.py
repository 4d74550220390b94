"""The process that hands out the parts of a load, hears of every other one, and answers the runtime's questions.

the runtime asks before each answer  replied to when no lease has let anybody in; otherwise the runtime is killed
the coordinator itself ends          holders, their twins and workers kill the runtime; it ends by itself, too, when
its question finds nobody
a worker or a holder ends            the coordinator kills the runtime, as long as anybody could open a file that
has not arrived
"""

import os
import select
import socket
from typing import Any, NamedTuple, NoReturn

from .. import report
from ..early import EarlyInvocation
from ..failures import LoadError, describe
from ..lines import Lines, send
from ..pointer import Pointer
from .application import Application
from .holder import NUMBER, QUESTION, Notify
from .part_queue import Queue, Work

KILLED = 3
"""Exit status of a process that has killed the application and has reported so."""
QUIET = "quiet"
AGAIN = 0.01
"""Seconds until holders are asked again whether somebody still waits for a file."""


class Runtime(NamedTuple):
    """The runtime's process, as far as it takes part in the load."""

    notify: Notify
    asks: Lines
    asked: int
    """A descriptor of the file that lists what somebody opened before it had arrived."""
    early: EarlyInvocation | None


class Coordinator:
    """One load, until every file is in place."""

    def __init__(self, pointer: Pointer, work: Work, queue: Queue, application: Application, runtime: Runtime) -> None:
        """Wait for children."""
        self._pointer, self._work, self._queue = pointer, work, queue
        self._application, self._runtime = application, runtime
        self._placed, self._awaited = set(work.known), work.awaited - work.known
        self._children: dict[int, tuple[int, int | None]] = {}
        """Processes, and which holders they are, by the descriptor that is readable when they have ended."""
        self._holders: dict[int, socket.socket] = {}
        self._unready = 0
        self._question = 0
        self._unanswered: set[int] = set()
        """Holders that have not answered the question under way."""
        self._waiting = 0
        """Files that somebody waits for, by the answers to the question under way."""
        self._owed = ""
        """The runtime's question: `sound`, or `quiet`, for which also no process may wait for a file."""
        self._ask_again = self._opened = self._failure_told = False
        self._failure: LoadError | None = None
        messages, self._from_children = os.pipe2(os.O_CLOEXEC)
        self._messages = Lines(messages)
        self._poll = select.poll()
        for descriptor in (messages, runtime.asks.pipe, application.ended):
            self._poll.register(descriptor, select.POLLIN)
        self._poll.register(queue.input, select.POLLOUT)
        self._phases: dict[str, float] | None = None
        self.work: list[dict[str, Any]] = []

    def notify_from_child(self, message: object) -> None:
        """Send a message from a child."""
        send(self._from_children, message)

    def watch(self, child: int, holder: int | None = None, inbox: socket.socket | None = None) -> None:
        """Hear of a child's end; a holder is also asked."""
        descriptor = os.pidfd_open(child)
        self._children[descriptor] = child, holder
        self._poll.register(descriptor, select.POLLIN)
        if holder is not None and inbox is not None:
            self._holders[holder] = inbox
            self._unready += 1

    def run(self) -> None:
        """Return when everything is in place; raises LoadError as long as the application cannot have begun."""
        self._open_when_possible()
        while self._children or len(self._placed) < self._work.parts:
            self._step()
            if self._failure and not (self._opened and self._holders):
                raise self._failure  # nobody can wait for a file, so nobody has to be killed

    def linger(self) -> dict[str, float]:
        """Return the seconds that the runtime took, once the application is ready."""
        while self._phases is None:
            self._step()
        return self._phases

    def _step(self) -> None:
        for descriptor, event in self._poll.poll(AGAIN * 1000 if self._ask_again else None):
            if descriptor == self._queue.input:
                self._feed(event)
            elif descriptor == self._messages.pipe:
                self._listen()
            elif descriptor == self._runtime.asks.pipe:
                self._be_asked()
            elif descriptor == self._application.ended:
                self._leave()
            else:
                self._child_ended(descriptor)
        if self._ask_again:
            self._ask_holders()

    def _feed(self, event: int) -> None:
        if not (event & select.POLLOUT and self._queue.feed()):
            self._poll.unregister(self._queue.input)
            os.close(self._queue.input)

    def _listen(self) -> None:
        for message in self._messages.read() or ():
            self._on_message(message)

    def _on_message(self, message: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        if isinstance(message, int):
            self._placed.add(message)
            self._awaited.discard(message)
            self._open_when_possible()
        elif "holding" in message:
            self._begin_to_hold(message["refused"])
        elif "asked" in message:
            self._prefer(message["asked"])
        elif "sound" in message:
            self._take_answer(message)
        elif "failed" in message:
            self._fail(LoadError(message["kind"], message["failed"]))
        else:
            self.work.append(message)

    def _begin_to_hold(self, refused: list[int]) -> None:
        self._unready -= 1
        parts = self._parts_of(refused)
        self._awaited.update(parts)
        self._queue.prefer(parts)
        self._open_when_possible()

    def _parts_of(self, files: list[int]) -> list[int]:
        """Return the parts that are still missing of some files, those of one file together."""
        parts = dict.fromkeys(part for file in files for part in sorted(self._work.parts_of(file)))
        return [part for part in parts if part not in self._placed]

    def _open_when_possible(self) -> None:
        if not (self._opened or self._unready or self._awaited):
            self._opened = True
            self._runtime.notify({"open": True})

    def _prefer(self, files: list[int]) -> None:
        os.write(self._runtime.asked, b"".join(map(NUMBER.pack, files)))
        self._queue.prefer(self._parts_of(files))
        if self._failure:
            self.give_up(self._failure)

    def _fail(self, failure: LoadError) -> None:
        """Remember why files will be missing, and find out whether somebody waits for one."""
        self._failure = self._failure or failure
        self._ask_holders()

    def _be_asked(self) -> None:
        questions = self._runtime.asks.read()
        if questions is None:  # the runtime has ended, or has started anew in place
            self._poll.unregister(self._runtime.asks.pipe)
            self._phases = self._phases or {}
        for question in questions or ():
            self._phases = question.get("phases", self._phases)
            self._owed = question["ask"]
            self._ask_holders()

    def _ask_holders(self) -> None:
        """Ask every holder whether nobody was let in, and how many files somebody waits for."""
        self._question += 1
        self._waiting, self._ask_again = 0, False
        self._unanswered = set(self._holders)
        for holder in self._holders.values():
            try:
                holder.send(QUESTION + NUMBER.pack(self._question), socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._ask_again = True
            except ConnectionError:
                continue  # it has ended; _child_ended says how
        self._reply()

    def _take_answer(self, answer: dict[str, int]) -> None:
        if answer["question"] == self._question:
            self._unanswered.discard(answer["sound"])
            self._waiting += answer["open"]
            self._reply()

    def _reply(self) -> None:
        """Answer the runtime, once every holder has answered."""
        if self._unanswered or not self._opened:
            return
        if self._failure and self._waiting:
            self.give_up(self._failure)
        if self._failure and not self._failure_told:
            self._failure_told = True
            self._runtime.notify({"failed": str(self._failure), "kind": self._failure.kind})
        if self._owed == QUIET and self._waiting:
            self._ask_again = True
        elif self._owed:
            self._owed = ""
            self._runtime.notify({"sound": True})

    def _child_ended(self, descriptor: int) -> None:
        child, holder = self._children.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == KILLED:
            os._exit(KILLED)
        if select.select([self._messages.pipe], [], [], 0)[0]:
            self._listen()
        if status and not self._failure:
            ended = LoadError("Loader", f"{describe(self._pointer)}: a loading process ended early; is memory short?")
            if holder is not None and self._opened:
                self.give_up(ended)
            self._fail(ended)
        if holder is not None:
            del self._holders[holder]
            self._unanswered.discard(holder)
            self._reply()

    def give_up(self, failure: LoadError) -> NoReturn:
        """Report why, also to whoever waits for an application that is not ready, and kill it."""
        if self._runtime.early and self._phases is None:
            self._runtime.early.report(failure)
        give_up(self._pointer, self._application, str(failure))

    def _leave(self) -> NoReturn:
        """End with the runtime, and end its children first: with the leases goes what they wait for."""
        if self._holders:
            self._application.kill()
        os._exit(0)


def give_up(pointer: Pointer, application: Application, reason: str) -> NoReturn:
    """Kill the application, report why unless another process has killed it, and end this process."""
    if application.kill():
        report.say(report.killed(pointer, reason))
    os._exit(KILLED)
