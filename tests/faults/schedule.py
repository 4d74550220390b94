"""A deterministic scheduler: processes take turns at every call boundary, in the order of a seed.

Each process is a thread, and exactly one runs at a time: it holds the baton from one attempt of a call to the next.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.account import nobody
from tests.faults.engine import Execution
from tests.faults.world import Delivery, World

LATEST_START = 60
"""Turns after which the last process begins."""
PATIENCE = 20_000


@dataclass
class Process:
    """A thread that waits for its turn; whether it is dead, and who it is, goes with it."""

    name: str
    act: Callable[[], object]
    start: int
    """The turn from which on it may run."""
    weight: float
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    thread: threading.Thread | None = None
    ended: bool = False
    error: BaseException | None = None


class Schedule:
    """One way in which processes can come in between each other."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._chance = random.Random(seed)
        self._processes: list[Process] = []
        self._known: set[int] = set()
        self._mine: dict[int, Process] = {}
        self._back = threading.Semaphore(0)

    def add(self, name: str, act: Callable[[], object], *, at_once: bool = False) -> None:
        """Add a process."""
        start = 0 if at_once else self._chance.randrange(LATEST_START)
        self._processes.append(Process(name, act, start, weight=self._chance.choice((0.1, 0.5, 1, 3))))

    def run(self) -> None:
        """Run every process, every event on its way and every execution to its end."""
        self._world.account.pause = self._pause
        for turn in range(PATIENCE):
            self._add_what_is_due()
            alive = [one for one in self._processes if not one.ended]
            if not alive:
                self._world.account.pause = nobody
                return
            ready = [one for one in alive if one.start <= turn] or [min(alive, key=lambda one: one.start)]
            self._give(self._chance.choices(ready, [one.weight for one in ready])[0])
        raise AssertionError("it never ends")

    def _add_what_is_due(self) -> None:
        """Start a process for each event and each execution of the world."""
        for delivery in self._world.inbox:
            if id(delivery) not in self._known:
                self._known.add(id(delivery))
                self.add("event", lambda one=delivery: self._deliver(one))  # type: ignore[misc]  # bound now
        for execution in self._world.executions.values():
            if id(execution) not in self._known and execution.status == "RUNNING":
                self._known.add(id(execution))
                self.add(execution.name, lambda one=execution: self._execute(one), at_once=True)  # type: ignore[misc]  # as above

    def _deliver(self, delivery: Delivery) -> None:
        while delivery in self._world.inbox:
            self._world.receive(delivery)

    def _execute(self, execution: Execution) -> None:
        while execution.status == "RUNNING":
            self._world.account.pass_time(execution.wake)
            self._world.resume(execution)
            self._pause()

    def _give(self, process: Process) -> None:
        """Let a process run until its next boundary."""
        if process.thread is None:
            process.thread = threading.Thread(target=self._live, args=(process,), daemon=True)
            process.thread.start()
        process.turn.release()
        self._back.acquire()
        if process.error:
            raise process.error

    def _live(self, process: Process) -> None:
        process.turn.acquire()
        self._mine[threading.get_ident()] = process
        try:
            process.act()
        except BaseException as error:  # noqa: BLE001 - raised again where the schedule runs
            process.error = error
        process.ended = True
        self._back.release()

    def _pause(self) -> None:
        """Hand the baton back, and wait for it; helpers of a process run with it."""
        process = self._mine.get(threading.get_ident())
        if process is None or process.ended:
            return
        account = self._world.account
        mine = account.actor, account.dead
        self._back.release()
        process.turn.acquire()
        account.actor, account.dead = mine
