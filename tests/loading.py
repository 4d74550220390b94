"""Load as often as asked: one JSON object a line in and out. Imports the bootstrap alone: it runs on any Python.

The loader forks, and a test process has threads; so the loads happen here. Patience is cut to suit tests.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import bootstrap.loader.load  # noqa: F401 - once here, not in every process forked from here
from bootstrap import tree
from bootstrap.failures import LoadError
from bootstrap.loader import fetch, retry, worker
from bootstrap.pointer import Pointer
from bootstrap.startup.progress import LoadProgress

PATIENCE = 0.4
"""Seconds without a byte that count as a stall here."""


def _serve() -> None:
    for module in (fetch, worker):
        vars(module)["TIMEOUT"] = PATIENCE
    retry.BACKOFF = 0.0005
    for line in sys.stdin:
        text, directory, fresh = json.loads(line)
        os.environ["TMPDIR"] = directory
        if fresh:
            shutil.rmtree(f"{directory}/dropshift", ignore_errors=True)
        print(json.dumps(_loaded(Pointer.parse(text))), flush=True)


def _loaded(pointer: Pointer) -> tuple[str, str, int, int]:
    """Return kind and message of a failure, which are empty when every file is in place, retries and bytes."""
    with _output() as read:
        progress = LoadProgress(pointer, tree.of(pointer.sha256), demand=False)
        try:
            progress.wait_for_all()
            progress.ready({})
        except LoadError as error:
            return error.kind, str(error), 0, 0
        finally:
            progress.close()
        lines = [json.loads(line) for line in read().splitlines()]
    work = lines[-1] if lines else {"LoadRetries": 0, "LoadedBytes": 0}
    return "", "", work["LoadRetries"], work["LoadedBytes"]


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
