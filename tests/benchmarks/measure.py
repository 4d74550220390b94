"""One cold start in a fresh process under the real runtime client, and what it cost."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bootstrap.pointer import VARIABLE
from tests.applications import CREDENTIALS, MAIN, package
from tests.benchmarks.link import Served
from tests.benchmarks.peers import PEERS, SETTINGS
from tests.benchmarks.sets import Packed, zappa
from tests.local.environments import Environment, Program
from tests.object_store import BUCKET

QUOTA = Path("/sys/fs/cgroup/cpu/dropshift-benchmark")
PERIOD = 100_000
"""Microseconds over which a share of a processor is given out."""
DISK = os.environ.get("BENCHMARK_DIRECTORY") or "/dev/shm"  # noqa: S108 - private directories are made below it
"""Where files are written: memory, so that the figures are the loader's and not this machine's disk's.

ext4 is slow for five seconds after many files were deleted (it avoids inodes that were freed recently), which repeated
rounds do and a fresh environment does not.
"""
OURS = ("dropshift", "apart")
"""As a function starts, and as on managed instances, where the import does not begin before the last file is there."""
LIMIT = 300.0
"""Seconds after which a start counts as failed."""


class Cost(NamedTuple):
    """Seconds from the start of the process, CPU seconds of it and its children, MB, and bytes received."""

    imported_s: float
    """The application's module is imported."""
    ready_s: float
    """The runtime asks for an invocation: it is imported, and every file is in place."""
    files_s: float
    cpu_s: float
    peak_mb: float
    disk_mb: float
    wire_bytes: int


class Processors(NamedTuple):
    """How much of the machine a start may use: `cores` of it, or a `share` of one core."""

    name: str
    cores: int
    memory: int
    """MB of a function that has as much (1,769 MB are one vCPU)."""
    share: float = 0.0

    def prefix(self) -> list[str]:
        """Give the command that confines what follows it."""
        if self.share:
            QUOTA.mkdir(exist_ok=True)
            (QUOTA / "cpu.cfs_period_us").write_text(str(PERIOD))
            (QUOTA / "cpu.cfs_quota_us").write_text(str(int(PERIOD * self.share)))
            enter = f'echo $$ > {QUOTA}/cgroup.procs && exec "$@"'
            return ["sh", "-c", enter, "sh"]
        return ["taskset", "-c", f"0-{self.cores - 1}"]


PROCESSORS = {
    "all": Processors("all", os.cpu_count() or 1, 1769 * (os.cpu_count() or 1)),
    "one": Processors("one", 1, 1769),
    "0.29": Processors("0.29", os.cpu_count() or 1, 512, 0.29),
}


def start(method: str, made: Packed, served: Served, processors: Processors, *, memory: bool = False) -> Cost:
    """Start the application once by `method`; with `memory`, watch memory and disk, which costs some time."""
    if method == "curl":
        return _curl(made, served)
    if method == "create":
        return _create(made)
    directory = Path(tempfile.mkdtemp(prefix="dropshift-benchmark-", dir=DISK))
    try:
        return _start(method, made, served, processors, directory, memory=memory)
    finally:
        shutil.rmtree(directory)


def _start(method: str, made: Packed, served: Served, processors: Processors, directory: Path, *, memory: bool) -> Cost:
    (directory / "main").mkdir()
    (directory / "main" / "bootstrap.py").write_text(MAIN)
    root, variables = _deployed(method, made, served, directory)
    variables = {**variables, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(processors.memory)}
    command = (*processors.prefix(), sys.executable, str(directory / "main" / "bootstrap.py"))
    environment = Environment(Program(command, root, variables), directory / "environment")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    peak = _Peak(environment, directory) if memory else None
    outcome = environment.start(LIMIT)
    ready = time.time() - began
    if outcome.kind != "ready":
        raise RuntimeError(f"{method} on {made.name} did not start: {outcome} {environment.output()}")
    files = _files_in_place(method, directory, began) or ready
    imported = float((directory / "imported").read_text()) - began
    wire = _wire(method, made)
    if peak is not None:
        peak.stop()
    environment.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(imported, ready, files, cpu, peak.memory_mb if peak else 0, peak.disk_mb if peak else 0, wire)


def _deployed(method: str, made: Packed, served: Served, directory: Path) -> tuple[Path, Mapping[str, str]]:
    """Give the task root and the variables for one way of deploying."""
    told = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "app",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency",
        "AWS_ENDPOINT_URL_S3": served.url,
        "AWS_CA_BUNDLE": str(served.authority),
        "AWS_DEFAULT_REGION": "eu-central-1",
        "TARGET": str(directory / "target"),
        "DONE": str(directory / "done"),
        "IMPORTED": str(directory / "imported"),
        "BUCKET": BUCKET,
        "KEY": (made.tar if method == "p2" else made.zip).name,
        "ZAPPA": str(zappa()),
        **CREDENTIALS,
    }
    if method == "native":
        return made.tree, told | {"LAMBDA_TASK_ROOT": str(made.tree), "_HANDLER": "app.handler"}
    if method in OURS:
        pointer = {VARIABLE: made.pointer.encode(), "_HANDLER": "bootstrap.handler"}
        kind = {"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances"} if method == "apart" else {}
        return package(), told | pointer | kind | {"LAMBDA_TASK_ROOT": str(package())}
    (directory / "peer").mkdir()
    (directory / "peer" / "peer.py").write_text(PEERS[method])
    (directory / "peer" / "zappa_settings.py").write_text(SETTINGS)
    return directory / "peer", told | {"LAMBDA_TASK_ROOT": str(directory / "peer"), "_HANDLER": "peer.handler"}


def _files_in_place(method: str, directory: Path, began: float) -> float | None:
    if method in OURS:
        [marker] = (directory / "environment" / "tmp" / "dropshift").glob("*.complete")
        return marker.stat().st_mtime - began
    if method == "native":
        return None
    return float((directory / "done").read_text()) - began


def _wire(method: str, made: Packed) -> int:
    if method == "native":
        return 0
    return (dict.fromkeys(OURS, made.bundle) | {"p2": made.tar}).get(method, made.zip).stat().st_size


def _curl(made: Packed, served: Served) -> Cost:
    """Give the limit: the bundle's bytes alone over the same link."""
    url = f"{served.url}/{BUCKET}/{made.bundle.name}"
    began, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["curl", "-sf", "--cacert", served.authority, "-o", "/dev/null", url], check=True)
    took, after = time.time() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(took, took, took, cpu, 0, 0, made.bundle.stat().st_size)


def _create(made: Packed) -> Cost:
    """Give the other limit: the same files, known already, created by four threads and nothing else."""
    contents = {str(path.relative_to(made.tree)): path.read_bytes() for path in made.tree.rglob("*") if path.is_file()}
    directory = tempfile.mkdtemp(prefix="dropshift-benchmark-", dir=DISK)
    try:
        before, began = time.process_time(), time.time()
        for folder in sorted({path.rpartition("/")[0] for path in contents} - {""}):
            Path(directory, folder).mkdir(parents=True, exist_ok=True)
        root = os.open(directory, os.O_DIRECTORY)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(partial(_write, root), contents.items(), chunksize=1000))
        took, cpu = time.time() - began, time.process_time() - before
        os.close(root)
        return Cost(took, took, took, cpu, 0, 0, 0)
    finally:
        shutil.rmtree(directory)


def _write(root: int, file: tuple[str, bytes]) -> None:
    target = os.open(file[0], os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644, dir_fd=root)
    os.write(target, file[1])
    os.close(target)


class _Peak:
    """Watches the memory of a process group and the size of a directory until told to stop."""

    def __init__(self, environment: Environment, directory: Path) -> None:
        self.memory_mb = self.disk_mb = 0.0
        self._environment, self._directory = environment, directory
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
            if self._environment.process is not None:
                self.memory_mb = max(self.memory_mb, _group_memory(self._environment.process.pid))


def _free(directory: Path) -> int:
    disk = os.statvfs(directory)
    return disk.f_bfree * disk.f_frsize


def _group_memory(group: int) -> float:
    """Give the proportional set size of a process group, in MB; proc(5), smaps_rollup."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getpgid(int(process.name)) == group:
                rollup = (process / "smaps_rollup").read_text()
                total += int(rollup.split("\nPss:")[1].split()[0])
    return total / 1000
