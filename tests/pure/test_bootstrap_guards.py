"""The basis of demand loading: leases, reserved space, the text in an absent file, and a kill of every process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.loader import lease
from bootstrap.loader.application import Application
from tests.local.waiting import until

SIZES = [5_000, 3 << 20]
PARENT = """\
import subprocess, sys, time
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def told_of_breaks() -> Iterator[None]:
    before = signal.signal(signal.SIGIO, lambda *_: None)  # it ends a process that does not handle it
    yield
    signal.signal(signal.SIGIO, before)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path, os.O_DIRECTORY)
    yield opened
    os.close(opened)


def test_whoever_opens_a_leased_file_is_kept_out_until_it_is_let_go(tmp_path: Path, root: int) -> None:
    held = lease.create("file", 0o644, 10, root)
    lease.take(held)
    lease.hide(held, 10)
    assert not lease.asked_for(held)
    with pytest.raises(BlockingIOError):
        os.open(tmp_path / "file", os.O_RDONLY | os.O_NONBLOCK)
    assert lease.asked_for(held)
    assert not lease.let_in(held)
    os.pwrite(held, b"0123456789", 0)
    lease.let_go(held)
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_lease_that_is_gone_counts_as_one_that_let_somebody_in(root: int) -> None:
    held = lease.create("file", 0o644, 10, root)
    assert lease.let_in(held)
    os.close(held)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_has_its_size_its_blocks_and_a_text_that_says_it_is_absent(tmp_path: Path, root: int, size: int) -> None:
    held = lease.create("file", 0o600, size, root)
    lease.reserve(held, size)
    lease.hide(held, size)
    found = (tmp_path / "file").stat()
    assert (found.st_size, found.st_mode & 0o777) == (size, 0o600)
    assert found.st_blocks * 512 >= size
    assert (tmp_path / "file").read_bytes()[: lease.HEAD] == lease.ABSENT
    os.close(held)


def test_leases_are_found_to_work_here_and_nothing_is_left_of_the_look(tmp_path: Path) -> None:
    assert lease.work(str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_kill_reaches_the_children_that_left_their_parents_session() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, process_group=0) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Application(parent.pid).kill()
        assert parent.wait(10) == -signal.SIGKILL
    until(lambda: not Path(f"/proc/{child}/exe").exists(), 10)


def test_a_process_that_has_the_number_of_one_that_ended_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        application = Application(other.pid)
        application.started -= 1
        assert not application.kill()
        assert other.poll() is None
        other.kill()
