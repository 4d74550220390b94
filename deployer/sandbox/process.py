"""The process of a guest: started without anything that is secret, hidden from, and never longer alive than its job."""

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployer.sandbox.wire import Channel, ClosedError, LateError

_START = 120
"""Seconds for a guest to start, which a crowded machine does not take from its job."""
_LAST_WORDS = 5
"""Seconds for a guest to end after its last message."""
_ENVIRONMENT = ("LD_LIBRARY_PATH", "TMPDIR")
"""Variables that a guest gets: on Lambda, Python does not start without the first. None of them is a secret."""
_PR_SET_DUMPABLE = 4
_COMMAND = (sys.executable, "-P", "-s", "-m", "deployer.sandbox.guest")


class NotStartedError(RuntimeError):
    """No guest started, so the archive was not read: the installation is incomplete, or the machine is full."""


@contextmanager
def started(seconds: float) -> Iterator[tuple["subprocess.Popen[bytes]", Channel]]:
    """Start a guest, which never outlives its job."""
    _hide()
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                _COMMAND, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=_environment(), cwd="/"
            )
        try:
            _await_start(process, Channel(ours, _START))
            channel = Channel(ours, seconds)
            yield process, channel
        finally:
            process.kill()
            process.wait()


def _hide() -> None:
    """Close this process's memory, environment and descriptors to guests, which run as the same user.

    Source: prctl(2), PR_SET_DUMPABLE; proc(5): what is under /proc/PID is root's then. A guest's exec undoes it there.
    """
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this process cannot be hidden from its sandbox")


def _await_start(process: "subprocess.Popen[bytes]", channel: Channel) -> None:
    try:
        channel.receive()
    except (ClosedError, LateError):
        raise NotStartedError(f"the sandbox ended with {exit_status(process)} before it was ready") from None


def _environment() -> dict[str, str]:
    root = Path(__file__).parents[2]
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {
        "PYTHONPATH": str(root),
        "MALLOC_ARENA_MAX": "2",  # each thread reserves 64 MB of address space, which counts against the limit
    }


def exit_status(process: "subprocess.Popen[bytes]") -> int:
    """Return a guest's exit status, negative for a signal; one that does not end after its answer is killed."""
    try:
        return process.wait(_LAST_WORDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
