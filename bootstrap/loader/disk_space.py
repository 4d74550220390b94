"""Make room for a tree: remove other releases' trees, and refuse a release that still does not fit."""

import errno
import fcntl
import os

from ..failures import LoadError, describe
from ..pointer import Pointer
from ..tree import Tree

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""The errors of a full disk."""
SLACK = 16 << 20
"""Bytes beyond the files' own: directories, the index."""


def remove_others(tree: Tree) -> None:
    """Remove every other release's tree that no process uses."""
    digests = {name.partition(".")[0] for name in os.listdir(tree.base)}
    for digest in digests - {tree.digest}:
        _remove_unused(Tree(tree.base, digest))


def remove_remains(tree: Tree) -> None:
    """Remove an incomplete tree together with its journal."""
    for path in (tree.journal, tree.index_file, tree.start_folders, tree.asked):
        if os.path.exists(path):
            os.unlink(path)
    if os.path.exists(tree.directory):
        import shutil  # noqa: PLC0415 - costs 3 ms, and a fresh environment does not need it

        shutil.rmtree(tree.directory, ignore_errors=True)


def check_space(tree: Tree, pointer: Pointer) -> None:
    """Raise LoadError when the release cannot fit, before the first byte is asked for."""
    disk = os.statvfs(tree.base)
    if disk.f_bavail * disk.f_frsize + _used(tree) < pointer.unpacked + SLACK:
        raise full(tree, pointer)


def full(tree: Tree, pointer: Pointer) -> LoadError:
    """Return the error for a full disk: how much space is needed, how much is free, and what to change."""
    disk = os.statvfs(tree.base)
    free, needed = disk.f_bavail * disk.f_frsize >> 20, (pointer.unpacked + SLACK) >> 20
    remedy = f"raise the function's ephemeral storage to at least {needed + 64} MB, or write less to /tmp"
    return LoadError("NoSpace", f"{describe(pointer)}: needs {needed} MB, {tree.base} has {free} MB free; {remedy}")


def _remove_unused(tree: Tree) -> None:
    lock = os.open(tree.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if tree.complete:
            os.unlink(tree.marker)
        remove_remains(tree)
        os.unlink(tree.lock)
    except BlockingIOError:
        return
    finally:
        os.close(lock)


def _used(tree: Tree) -> int:
    """Return the bytes that an earlier, killed load already put in place."""
    total = 0
    for directory, _, names in os.walk(tree.directory):
        total += sum(os.lstat(f"{directory}/{name}").st_blocks * 512 for name in names)
    return total
