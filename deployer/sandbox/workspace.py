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
_TREE = "tree"


_kept: dict[str, Path] = {}
"""Directories that one step has left for the next one, by the digest of the archive in them."""
_locks: dict[Path, int] = {}
"""The locks of the directories that this process has made."""


@contextmanager
def workspace(sha256: str = "") -> Iterator[Path]:
    """Return the tree that was kept of an archive with this digest, or an empty one; it is removed in the end.

    A process holds the lock of its directory until it ends; then the kernel frees the lock. Lambda keeps /tmp when it
    kills a process, so a killed step's files would take the space of the next one's.
    A: makes its directory.  B: takes the lock, finds it free, and removes it.  A: sees that, and makes another.
    """
    taken = _kept.pop(sha256, None)
    while _kept:
        _remove(_kept.popitem()[1])
    _remove_abandoned()
    path = taken or _made()
    try:
        yield path / _TREE
    finally:
        if path not in _kept.values():
            _remove(path)


def keep(tree: Path, sha256: str) -> None:
    """Leave a tree for the next step, if that runs in this process: it asks for the archive's digest."""
    if other := _kept.pop(sha256, None):
        _remove(other)
    _kept[sha256] = tree.parent


def _made() -> Path:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = _lock(path)
        if lock is not None:
            (path / _TREE).mkdir()
            _locks[path] = lock
            return path


def _remove(path: Path) -> None:
    shutil.rmtree(path)
    os.close(_locks.pop(path))


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
