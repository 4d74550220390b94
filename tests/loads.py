"""Loads one after another in a process of its own, on the Python of functions: tests/loading.py runs there."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bootstrap.pointer import Pointer
from tests import pythons
from tests.applications import CREDENTIALS, package
from tests.object_store import ObjectStore

SCRIPT = Path(__file__).with_name("loading.py")
IN_PACKAGE = f"""\
import runpy, sys
sys.path.insert(0, sys.argv[1])
import _dropshift
sys.modules["bootstrap"] = _dropshift
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""
"""In the function's package, `bootstrap` is called `_dropshift`."""


class Outcome(NamedTuple):
    """The end of one load: `kind` is empty when every file is in place."""

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
        [pythons.runtime(), "-c", IN_PACKAGE, package()],
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
