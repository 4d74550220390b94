"""The application, as the loader sees it from outside: its processes, and how they are killed.

The loader has a session of its own, so that it can end the whole of the application and outlive it.
"""

import os
import signal
import time
from typing import NamedTuple

SETTLING = 0.001
"""Seconds between two checks of processes that have been killed."""


class _Process(NamedTuple):
    state: str
    parent: int
    group: int
    started: int


class Application:
    """The runtime's process and everything it started."""

    def __init__(self, runtime: int) -> None:
        """Remember which process `runtime` is; its number may be given to another one later."""
        self.pid = runtime
        self.started = _process(runtime).started
        self.ended = os.pidfd_open(runtime)
        """A descriptor that a poll finds readable when the runtime's process has ended."""

    def kill(self) -> bool:
        """Kill every process of the application; return whether there was one to kill."""
        killed = False
        while living := self._living():
            for process in living:
                killed |= _kill(process)
            time.sleep(SETTLING)
        return killed

    def _living(self) -> list[int]:
        """Return the runtime's process, all its descendants, and its process group."""
        table = {pid: _process(pid) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
        mine = {self.pid} if table.get(self.pid, _NONE).started == self.started else set[int]()
        mine |= {pid for pid, one in table.items() if one.group == self.pid}
        while more := {pid for pid, one in table.items() if one.parent in mine} - mine:
            mine |= more
        return [pid for pid in mine if table[pid].state not in "ZX" and _may_kill(pid)]


_NONE = _Process("X", 0, 0, 0)


def _process(pid: int) -> _Process:
    """Read proc(5), /proc/pid/stat: fields 3, 4, 5 and 22."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return _NONE  # it has just ended
    return _Process(fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[19]))


def _may_kill(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return True
