"""A process that holds leases: its twin outlives it, and it looks before it lets a file go."""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from backports import zstd

from bootstrap.index import Index
from bootstrap.loader import lease
from bootstrap.loader.holder import BORROW, HEAD, MESSAGE, NUMBER, WRITTEN
from bootstrap.loader.parts import plan
from bootstrap.loader.shares import without_heads
from tests.applications import release, write

FILE, FRAME, WHOLE, SIZE = 0, 7, b"whole " * 1_000, 6_000
HOLDER = """\
import json, os, signal, socket, sys
from bootstrap.index import File
from bootstrap.loader.holder import Holder, Partners, Share
inbox, worker, reports, root = map(int, sys.argv[1:])
def report(message):
    os.write(reports, json.dumps(message).encode() + b"\\n")
def danger(reason):
    report(reason)
    signal.pause()
share = Share({0: File("file", 0o644, %d)}, {0: {7}}, set(), root)
sockets = [socket.socket(fileno=one) for one in (inbox, worker)]
Holder(share, Partners(0, sockets[0], sockets[1:], os.pidfd_open(os.getppid()), report, report, danger)).run()
"""


class Held(NamedTuple):
    """A holder of one file, and the ends that a worker and the coordinator have."""

    process: int
    inbox: socket.socket
    worker: socket.socket
    reports: Iterator[str]

    def lent(self) -> int:
        self.inbox.send(BORROW + struct.pack("<2I", 0, FILE))
        return socket.recv_fds(self.worker, MESSAGE, 1)[1][0]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    with _holder(tmp_path) as started:
        assert json.loads(next(started.reports)) == {"holding": 0, "refused": []}
        yield started


@contextmanager
def _holder(folder: Path) -> Iterator[Held]:
    inbox, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    worker, lends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    root, (heard, reports) = os.open(folder, os.O_DIRECTORY), os.pipe()
    given = (theirs.fileno(), lends.fileno(), reports, root)
    command = [sys.executable, "-c", HOLDER % SIZE, *map(str, given)]
    process = subprocess.Popen(command, pass_fds=given, start_new_session=True)
    for descriptor in (reports, root):
        os.close(descriptor)
    try:
        with inbox, worker, theirs, lends, os.fdopen(heard) as lines:
            yield Held(process.pid, inbox, worker, lines)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _may_be_opened(folder: Path) -> bool:
    try:
        os.close(os.open(folder / "file", os.O_RDONLY | os.O_NONBLOCK))
    except BlockingIOError:
        return False
    return True


def test_a_file_is_let_go_with_its_last_frame_and_its_first_bytes_come_last(tmp_path: Path, held: Held) -> None:
    lent = held.lent()
    os.pwrite(lent, WHOLE[lease.HEAD :], lease.HEAD)
    os.close(lent)
    held.inbox.send(HEAD + NUMBER.pack(FILE) + WHOLE[: lease.HEAD])
    assert not _may_be_opened(tmp_path)
    held.inbox.send(WRITTEN + NUMBER.pack(FRAME))
    assert (tmp_path / "file").read_bytes() == WHOLE


def test_the_twin_of_a_holder_that_is_killed_keeps_its_files_and_notices(tmp_path: Path, held: Held) -> None:
    os.kill(held.process, signal.SIGKILL)
    assert "has ended" in next(held.reports, "nobody noticed")
    assert not _may_be_opened(tmp_path)


def test_a_holder_looks_whether_somebody_was_let_in_before_it_lets_a_file_go(held: Held) -> None:
    lent = held.lent()
    fcntl.fcntl(lent, fcntl.F_SETLEASE, fcntl.F_UNLCK)  # as the kernel does after 45 seconds
    os.close(lent)
    held.inbox.send(WRITTEN + NUMBER.pack(FRAME))
    assert "has let somebody open" in next(held.reports, "nobody noticed")


def test_a_part_whose_first_bytes_a_killed_holder_kept_is_loaded_again(tmp_path: Path) -> None:
    content = os.urandom(4 << 20)
    made = release(write(tmp_path / "tree", {"large": content}), kind="nodejs")
    place = made.pointer
    index = Index.parse(zstd.decompress(made.body[place.offset : place.offset + place.size]))
    parts = plan(index)
    known = set(range(len(parts)))
    root = os.open(tmp_path / "tree", os.O_DIRECTORY)
    assert without_heads(index, parts, known, root) == set()
    with (tmp_path / "tree" / "large").open("r+b") as file:
        file.write(lease.ABSENT)
    assert without_heads(index, parts, known, root) == {0}
    assert without_heads(index, parts, known - {0}, root) == set()
    os.close(root)
