"""One cold start in a fresh process under the real runtime client, and what it cost."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.applications import invocation
from tests.benchmarks import limits
from tests.benchmarks.accounting import Peak, Processors, accounting
from tests.benchmarks.cost import Cost
from tests.benchmarks.link import Served
from tests.benchmarks.methods import FETCHED, LIMIT, deployed, files_in_place, wire
from tests.benchmarks.sets import Packed
from tests.local.environments import Environment, Program
from tests.local.waiting import until

DISK = os.environ.get("BENCHMARK_DIRECTORY") or "/dev/shm"  # noqa: S108 - private directories are made below it
"""The folder for files: in memory, so that the figures are the loader's and not this machine's disk's.

ext4 is slow for five seconds after many files were deleted (it avoids inodes that were freed recently), which repeated
rounds do and a fresh environment does not.
"""
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


def start(method: str, made: Packed, served: Served, processors: Processors, *, memory: bool = False) -> Cost:
    """Start the application once by `method`; with `memory`, watch memory and disk, which costs some time."""
    if method == "curl":
        return limits.curl(made, served)
    if method == "create":
        return limits.create(made, DISK)
    directory = Path(tempfile.mkdtemp(prefix="dropshift-benchmark-", dir=DISK))
    try:
        return _start(method, made, served, processors, directory, memory=memory)
    finally:
        shutil.rmtree(directory)


def _start(method: str, made: Packed, served: Served, processors: Processors, directory: Path, *, memory: bool) -> Cost:
    root, variables, runtime = deployed(method, made, served, directory)
    variables = {**variables, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(processors.memory)}
    with accounting(directory.name) as account:
        command = (*account.prefix(), *processors.prefix(), *runtime)
        environment = Environment(Program(command, root, variables), directory / "environment")
        peak = Peak(environment, account, directory) if memory else None
        try:
            timed = _timed(method, made, environment, directory)
        finally:
            if peak is not None:
                peak.stop()
            environment.stop()
        until(lambda: not account.processes(), 30)
        watched = (peak.memory_mb, peak.loader_mb, peak.disk_mb) if peak else (0.0, 0.0, 0.0)
        return Cost(*timed, account.seconds(), *watched, wire(method, made))


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
    files = files_in_place(method, directory, began) or ready
    return float((directory / "imported").read_text()) - began, ready, files, touch


def _touch(method: str, made: Packed, directory: Path) -> float:
    if method not in FETCHED or made.name not in TOUCHED:
        return 0.0
    [root] = [path for path in (directory / "environment/tmp/dropshift").iterdir() if path.is_dir()]
    command = [sys.executable, "-c", TOUCH, str(root / TOUCHED[made.name])]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
