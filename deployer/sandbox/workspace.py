"""A directory to unpack into; directories that killed processes left are removed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "dropshift-workspace-"
"""No other program uses this prefix: a directory with it that no process owns is removed."""


@contextmanager
def workspace() -> Iterator[Path]:
    """Make an empty directory that is removed in the end; remove those whose process was killed.

    A process holds the lock of its directory until it ends; then the kernel frees the lock. Lambda keeps /tmp when it
    kills a process, so a killed step's files would take the space of the next one's.
    A: makes its directory.  B: takes the lock, finds it free, and removes it.  A: sees that, and makes another.
    """
    _remove_abandoned()
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = _lock(path)
        if lock is not None:
            break
    try:
        yield path
    finally:
        shutil.rmtree(path)
        os.close(lock)


def _remove_abandoned() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = _lock(path)
        if lock is not None:
            shutil.rmtree(path)
            os.close(lock)


def _lock(path: Path) -> int | None:
    """Return the lock of a directory that exists and is free."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if os.fstat(lock).st_nlink:
        return lock
    os.close(lock)
    return None
