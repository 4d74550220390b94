"""Whom a start's processor time and memory belong to, and how much it may use: control groups, version 1.

To make one needs root.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.local.environments import Environment

ACCOUNTS = Path("/sys/fs/cgroup/cpuacct")
QUOTA = Path("/sys/fs/cgroup/cpu/dropshift-benchmark")
PERIOD = 100_000
"""Microseconds over which a share of a processor is given out."""


class Processors(NamedTuple):
    """A start's share of the machine: `cores` of it, or a `share` of one core."""

    cores: int
    memory: int
    """MB of a function that has as much (1,769 MB are one vCPU)."""
    share: float = 0.0

    def prefix(self) -> list[str]:
        """Return the command that confines what follows it."""
        if self.share:
            QUOTA.mkdir(exist_ok=True)
            (QUOTA / "cpu.cfs_period_us").write_text(str(PERIOD))
            (QUOTA / "cpu.cfs_quota_us").write_text(str(int(PERIOD * self.share)))
            enter = f'echo $$ > {QUOTA}/cgroup.procs && exec "$@"'
            return ["sh", "-c", enter, "sh"]
        return ["taskset", "-c", f"0-{self.cores - 1}"]


PROCESSORS = {
    "all": Processors(os.cpu_count() or 1, 1769 * (os.cpu_count() or 1)),
    "one": Processors(1, 1769),
    "0.29": Processors(os.cpu_count() or 1, 512, 0.29),
}


class Account:
    """A control group that a start runs in: whose processor time, and which processes, belong to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prefix(self) -> list[str]:
        """Return the command that puts into the group what follows it."""
        return ["sh", "-c", f'echo $$ > {self._folder}/cgroup.procs && exec "$@"', "sh"]

    def processes(self) -> list[int]:
        """Return the processes that live."""
        return [int(pid) for pid in (self._folder / "cgroup.procs").read_text().split()]

    def seconds(self) -> float:
        """Return the processor time of all processes, those that have ended included."""
        return int((self._folder / "cpuacct.usage").read_text()) / 1e9


@contextmanager
def accounting(name: str) -> Iterator[Account]:
    """Make a control group for the length of a start."""
    folder = ACCOUNTS / name
    folder.mkdir()
    try:
        yield Account(folder)
    finally:
        folder.rmdir()


class Peak:
    """Watches the memory of a start and the size of a directory until it is stopped."""

    def __init__(self, environment: Environment, account: Account, directory: Path) -> None:
        self.memory_mb = self.loader_mb = self.disk_mb = 0.0
        self._environment, self._account, self._directory = environment, account, directory
        self._empty = _free(directory)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the last figures."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.03):
            self.disk_mb = max(self.disk_mb, (self._empty - _free(self._directory)) / 1e6)
            sizes = {pid: _memory(pid) for pid in self._account.processes()}
            runtime = self._environment.process.pid if self._environment.process else 0
            self.memory_mb = max(self.memory_mb, sum(sizes.values()))
            self.loader_mb = max(self.loader_mb, sum(size for pid, size in sizes.items() if pid != runtime))


def _free(directory: Path) -> int:
    disk = os.statvfs(directory)
    return disk.f_bfree * disk.f_frsize


def _memory(pid: int) -> float:
    """Return the proportional set size of a process, in MB; proc(5), smaps_rollup."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return int(rollup.split("\nPss:")[1].split()[0]) / 1000
