"""The tree before and after its files: directories and links first, late files' names and the marker last."""

import os
from collections.abc import Callable

from ..index import File, Index
from ..tree import Tree

CUSTOMIZED = ("sitecustomize", "usercustomize")
"""Modules that `site` imports."""
ARRIVING = ".arriving"
"""Ends the name of a file of several frames until it is whole: the import that runs meanwhile must never read half."""


def open_root(tree: Tree) -> int:
    """Make the root and give its descriptor."""
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
    """Return the folders that hold, under any name a tree can have, what a process looks for when it starts."""
    paths = [*index.directories, *(file.path for file in index.files), *(path for path, _ in index.links)]
    found = (path.rpartition("/") for path in paths if ".so" in path or "customize" in path)
    return {folder or "." for folder, _, name in found if ".so" in name or name.startswith(CUSTOMIZED)}


def names_on_arrival(index: Index) -> list[File]:
    """Give the files under the names they are written to."""
    files = index.files.copy()
    for _, number in late(index):
        files[number] = files[number]._replace(path=files[number].path + ARRIVING)
    return files


def late(index: Index) -> list[tuple[int, int]]:
    """Give the files that an import may see before they are whole: how many leading frames hold each, its number."""
    return [(frames, number) for number, frames in index.spread if frames > index.begin]


def give_name(root: str, path: str) -> None:
    """Give a whole file its name; both processes may try."""
    try:
        os.rename(f"{root}/{path}{ARRIVING}", f"{root}/{path}")
    except FileNotFoundError:
        return


def complete(tree: Tree, index: Index) -> None:
    """Give late files their names, then say that the tree is complete."""
    for _, number in late(index):
        give_name(tree.directory, index.files[number].path)
    _touch(tree.marker)
    os.unlink(tree.journal)


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))


def _unless_there(make: Callable[..., None], *args: object, **kwargs: object) -> None:
    try:
        make(*args, **kwargs)
    except FileExistsError:
        return
