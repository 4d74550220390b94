"""One cold start in a fresh process under the real runtime client, and what it cost."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bootstrap.pointer import VARIABLE
from tests.applications import CREDENTIALS, MAIN, invocation, package
from tests.benchmarks.before import before, earlier_bundle
from tests.benchmarks.link import Served
from tests.benchmarks.peers import PEERS, SETTINGS
from tests.benchmarks.sets import Packed, zappa
from tests.local.environments import Environment, Program
from tests.local.waiting import until
from tests.object_store import BUCKET

ACCOUNTS = Path("/sys/fs/cgroup/cpuacct")
"""Control groups, version 1; to make one needs root."""
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
FETCHED = (*OURS, "before")
TOUCHED = {"A": "pandas/tests/arithmetic/test_numeric.py", "C": "weights.bin", "D": "data.bin", "F": "data_70.bin"}
"""A file of each set that no start reads: another process reads of it right after the first answer."""
TOUCH = """\
import sys, time
began = time.monotonic()
with open(sys.argv[1], "rb") as file:
    content = file.read(1 << 20)
print(time.monotonic() - began)
sys.exit(not content or not any(content))
"""
LIMIT = 300.0
"""Seconds after which a start counts as failed."""


class Cost(NamedTuple):
    """Seconds from the start of the process, CPU seconds of it and its children, MB, and bytes received."""

    imported_s: float
    """The application's module is imported."""
    ready_s: float
    """The first call is answered; it waits from the start."""
    files_s: float
    """Every file is in place."""
    touch_s: float
    """How long a process that reads a cold file right after the first answer waits for it."""
    cpu_s: float
    peak_mb: float
    loader_mb: float
    """Of all processes but the runtime's."""
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
    with _accounting(directory.name) as account:
        environment = Environment(Program((*account.prefix(), *command), root, variables), directory / "environment")
        peak = _Peak(environment, account, directory) if memory else None
        try:
            timed = _timed(method, made, environment, directory)
        finally:
            if peak is not None:
                peak.stop()
            environment.stop()
        until(lambda: not account.processes(), 30)
        cpu = account.seconds()
    wire = _wire(method, made)
    if peak is None:
        return Cost(*timed, cpu, 0, 0, 0, wire)
    return Cost(*timed, cpu, peak.memory_mb, peak.loader_mb, peak.disk_mb, wire)


def _timed(method: str, made: Packed, environment: Environment, directory: Path) -> tuple[float, float, float, float]:
    """Return the first four figures of a start's cost."""
    began = time.time()
    outcome = environment.start(LIMIT)
    if outcome.kind == "ready":
        outcome = environment.run(invocation({}), LIMIT)
    ready = time.time() - began
    if outcome.kind != "response":
        raise RuntimeError(f"{method} on {made.name} did not start: {outcome} {environment.output()}")
    touch = _touch(method, made, directory)
    files = _files_in_place(method, directory, began) or ready
    return float((directory / "imported").read_text()) - began, ready, files, touch


def _touch(method: str, made: Packed, directory: Path) -> float:
    if method not in FETCHED or made.name not in TOUCHED:
        return 0.0
    [root] = [path for path in (directory / "environment/tmp/dropshift").iterdir() if path.is_dir()]
    command = [sys.executable, "-c", TOUCH, str(root / TOUCHED[made.name])]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _deployed(method: str, made: Packed, served: Served, directory: Path) -> tuple[Path, Mapping[str, str]]:
    """Give the task root and the variables for one way of deploying."""
    told = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "app",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
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
    if method == "before":
        earlier = before(made)
        pointer = {VARIABLE: earlier.pointer, "_HANDLER": "bootstrap.handler"}
        return earlier.package, told | pointer | {"LAMBDA_TASK_ROOT": str(earlier.package)}
    if method in OURS:
        pointer = {VARIABLE: made.pointer.encode(), "_HANDLER": "bootstrap.handler"}
        kind = {"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances"} if method == "apart" else {}
        return package(), told | pointer | kind | {"LAMBDA_TASK_ROOT": str(package())}
    (directory / "peer").mkdir()
    (directory / "peer" / "peer.py").write_text(PEERS[method])
    (directory / "peer" / "zappa_settings.py").write_text(SETTINGS)
    return directory / "peer", told | {"LAMBDA_TASK_ROOT": str(directory / "peer"), "_HANDLER": "peer.handler"}


def _files_in_place(method: str, directory: Path, began: float) -> float | None:
    if method in FETCHED:
        home = directory / "environment" / "tmp" / "dropshift"
        [marker] = until(lambda: list(home.glob("*.complete")), LIMIT)
        return marker.stat().st_mtime - began
    if method == "native":
        return None
    return float((directory / "done").read_text()) - began


def _wire(method: str, made: Packed) -> int:
    if method == "native":
        return 0
    bundles = dict.fromkeys(OURS, made.bundle) | {"before": earlier_bundle(made), "p2": made.tar}
    return bundles.get(method, made.zip).stat().st_size


def _curl(made: Packed, served: Served) -> Cost:
    """Give the limit: the bundle's bytes alone over the same link."""
    url = f"{served.url}/{BUCKET}/{made.bundle.name}"
    began, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["curl", "-sf", "--cacert", served.authority, "-o", "/dev/null", url], check=True)
    took, after = time.time() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(took, took, took, 0, cpu, 0, 0, 0, made.bundle.stat().st_size)


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
        return Cost(took, took, took, 0, cpu, 0, 0, 0, 0)
    finally:
        shutil.rmtree(directory)


def _write(root: int, file: tuple[str, bytes]) -> None:
    target = os.open(file[0], os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644, dir_fd=root)
    os.write(target, file[1])
    os.close(target)


class _Account:
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
def _accounting(name: str) -> Iterator[_Account]:
    folder = ACCOUNTS / name
    folder.mkdir()
    try:
        yield _Account(folder)
    finally:
        folder.rmdir()


class _Peak:
    """Watches the memory of a start and the size of a directory until it is stopped."""

    def __init__(self, environment: Environment, account: _Account, directory: Path) -> None:
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
