"""Loads one after another in a process of its own: python -m tests.loads, one JSON object a line in and out.

The loader forks, and a test process has threads; so the loads happen here. Patience is cut to suit tests.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import bootstrap.loader.load  # noqa: F401 - once here, not in every process forked from here
from bootstrap import tree
from bootstrap.failures import LoadError
from bootstrap.loader import fetch, worker
from bootstrap.pointer import Pointer
from bootstrap.startup.progress import LoadProgress
from tests.applications import CREDENTIALS
from tests.object_store import ObjectStore

PATIENCE = 0.4
"""Seconds without a byte that count as a stall here."""


class Outcome(NamedTuple):
    """How one load ended: `kind` is empty when every file is in place."""

    kind: str
    message: str
    retries: int
    bytes: int


class Loader:
    """The process, as the tests see it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def kill(self) -> None:
        """Kill it and everything it forked, as Lambda kills an environment that overran its init."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def load(self, pointer: Pointer, directory: Path, *, fresh: bool = True) -> Outcome:
        """Load into `directory`; `fresh` removes what an earlier load left there."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the loading process was started without pipes")
        print(json.dumps([pointer.encode(), str(directory), fresh]), file=self._process.stdin, flush=True)
        return Outcome(*json.loads(self._process.stdout.readline()))


@contextmanager
def loader(store: ObjectStore) -> Iterator[Loader]:
    """Start the process that loads from `store`."""
    environment = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL_S3": store.url}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.loads"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    started = Loader(process)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError, ValueError):
            started.kill()


def _serve() -> None:
    for module in (fetch, worker):
        vars(module)["TIMEOUT"] = PATIENCE
    worker.BACKOFF = 0.0005
    for line in sys.stdin:
        text, directory, fresh = json.loads(line)
        os.environ["TMPDIR"] = directory
        if fresh:
            shutil.rmtree(f"{directory}/dropshift", ignore_errors=True)
        print(json.dumps(_load(Pointer.parse(text))), flush=True)


def _load(pointer: Pointer) -> Outcome:
    with _output() as read:
        progress = LoadProgress(pointer, tree.of(pointer.sha256), demand=False)
        try:
            progress.wait_for_all()
            progress.ready({})
        except LoadError as error:
            return Outcome(error.kind, str(error), 0, 0)
        finally:
            progress.close()
        lines = [json.loads(line) for line in read().splitlines()]
    work = lines[-1] if lines else {"LoadRetries": 0, "LoadedBytes": 0}
    return Outcome("", "", work["LoadRetries"], work["LoadedBytes"])


@contextmanager
def _output() -> Iterator[Callable[[], str]]:
    """Catch what is written to standard output: the report of a load."""
    output = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield lambda: os.pread(file.fileno(), 1 << 20, 0).decode()
        finally:
            os.dup2(output, 1)
            os.close(output)


if __name__ == "__main__":
    _serve()
