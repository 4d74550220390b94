"""The local AWS starts or prints why not, and leaves no process and no file behind, however its owner ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local import LocalAws
from tests.local.aws import ROOT
from tests.local.functions import create
from tests.local.upstream import UpstreamMovedError, around, needs
from tests.local.waiting import until

OWNER = """
import signal, time
from tests.local import LocalAws
from tests.local.functions import create

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of a script begins with Ctrl-C ignored
with LocalAws() as aws:
    name = create(aws, "def handler(event, context): pass")
    aws.client("lambda").invoke(FunctionName=name)
    print(aws.directory, flush=True)
    time.sleep(600)
"""


def test_nothing_is_left_when_the_block_ends() -> None:
    with LocalAws() as aws:
        aws.client("lambda").invoke(FunctionName=create(aws, "def handler(event, context): pass"))
        assert _processes_of(aws.directory)
    assert not _processes_of(aws.directory)
    assert not aws.directory.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_every_process_ends_with_its_owner(number: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    directory = Path(owner.stdout.readline().strip())
    assert len(_processes_of(directory)) == 2  # the server and one function
    os.kill(owner.pid, number)
    owner.wait()
    until(lambda: not _processes_of(directory))
    until(lambda: not directory.exists())


def test_a_patch_refuses_what_moved() -> None:
    class Upstream:
        @staticmethod
        def dispatch(event: str) -> str:
            return event

    with pytest.raises(UpstreamMovedError, match="no longer has gone"):
        needs(Upstream, "dispatch", "gone")
    with pytest.raises(UpstreamMovedError, match=r"Upstream.dispatch now takes \(event\), not \(event, when\)"):
        around(Upstream, "dispatch", lambda original, event, when: original(event))  # noqa: ARG005 - never called


def _processes_of(directory: Path) -> list[int]:
    """Return the processes whose environment names `directory`."""
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if _mentions(path, directory)]


def _mentions(path: Path, directory: Path) -> bool:
    try:
        return str(directory).encode() in path.read_bytes()
    except OSError:
        return False
