"""Lower limits of every loader: the bundle's bytes alone over the same link; the same files by four threads."""

import os
import resource
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.benchmarks.cost import Cost
from tests.benchmarks.link import Served
from tests.benchmarks.sets import Packed
from tests.object_store import BUCKET


def curl(made: Packed, served: Served) -> Cost:
    """Fetch the bundle and write nothing."""
    url = f"{served.url}/{BUCKET}/{made.bundle.name}"
    began, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["curl", "-sf", "--cacert", served.authority, "-o", "/dev/null", url], check=True)
    took, after = time.time() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(took, took, took, 0, cpu, wire_bytes=made.bundle.stat().st_size)


def create(made: Packed, disk: str) -> Cost:
    """Write the same files, known already, and fetch nothing."""
    contents = {str(path.relative_to(made.tree)): path.read_bytes() for path in made.tree.rglob("*") if path.is_file()}
    directory = tempfile.mkdtemp(prefix="dropshift-benchmark-", dir=disk)
    try:
        before, began = time.process_time(), time.time()
        for folder in sorted({path.rpartition("/")[0] for path in contents} - {""}):
            Path(directory, folder).mkdir(parents=True, exist_ok=True)
        root = os.open(directory, os.O_DIRECTORY)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(partial(_write, root), contents.items(), chunksize=1000))
        took, cpu = time.time() - began, time.process_time() - before
        os.close(root)
        return Cost(took, took, took, 0, cpu)
    finally:
        shutil.rmtree(directory)


def _write(root: int, file: tuple[str, bytes]) -> None:
    target = os.open(file[0], os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644, dir_fd=root)
    os.write(target, file[1])
    os.close(target)
