"""The tree before and after its files: directories and links first, the marker last."""

import os
import time
from collections.abc import Callable

from ..index import Index
from ..tree import Tree

CUSTOMIZED = ("sitecustomize", "usercustomize")
"""Modules that `site` imports."""


def open_root(tree: Tree) -> int:
    """Make the root and return its descriptor."""
    os.makedirs(tree.directory, mode=0o755, exist_ok=True)
    return os.open(tree.directory, os.O_DIRECTORY | os.O_CLOEXEC)


def prepare(tree: Tree, index: Index, root: int) -> None:
    """Make directories and links below the root; what a killed load left behind may stay."""
    for path in index.directories:
        _unless_there(os.mkdir, path, 0o755, dir_fd=root)
    for path, target in index.links:
        _unless_there(os.symlink, target, path, dir_fd=root)
    if folders := _start_folders(index):
        with open(tree.start_folders, "wb") as file:
            file.write(os.fsencode("\n".join(sorted(folders))))


def _start_folders(index: Index) -> set[str]:
    """Return the folders with files that a process looks for when it starts: libraries, or modules for `site`."""
    paths = [*index.directories, *(file.path for file in index.files), *(path for path, _ in index.links)]
    found = (path.rpartition("/") for path in paths if ".so" in path or "customize" in path)
    return {folder or "." for folder, _, name in found if ".so" in name or name.startswith(CUSTOMIZED)}


def complete(tree: Tree, index: bytes) -> None:
    """Record that every file of the tree is in place, as the verified bytes of the index have it; see restart.py."""
    with open(f"{tree.marker}.new", "wb") as file:
        file.write(index)
        file.flush()
        _await_tick(file.fileno())
    os.rename(f"{tree.marker}.new", tree.marker)
    if os.path.exists(tree.journal):
        os.unlink(tree.journal)


def _await_tick(marker: int) -> None:
    """Let the marker be younger than every change before it, and no younger than any change after it.

    The kernel's times of changes have steps of some milliseconds (current_time() in fs/inode.c).
    """
    written = os.fstat(marker).st_ctime_ns
    while os.fstat(marker).st_ctime_ns == written:
        time.sleep(0.0005)
        os.fchmod(marker, 0o644)


def _unless_there(make: Callable[..., None], *args: object, **kwargs: object) -> None:
    try:
        make(*args, **kwargs)
    except FileExistsError:
        return
