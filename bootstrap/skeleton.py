"""The tree before and after its files: directories and links first, late files' names and the marker last."""

import os
from collections.abc import Callable

from .index import File, Index
from .modules import needs_library_path
from .parts import Part
from .tree import Tree

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
    if needs_library_path(index):
        _touch(tree.libraries)


def names_on_arrival(index: Index) -> list[File]:
    """Give the files under the names they are written to."""
    late = _late(index)
    return [
        file._replace(path=file.path + ARRIVING) if number in late else file for number, file in enumerate(index.files)
    ]


def whole_with(index: Index, parts: list[Part]) -> list[tuple[int, str]]:
    """Give, for every file that arrives under another name, how many leading parts hold it."""
    part_of = [number for number, part in enumerate(parts, 1) for _ in part.frames]
    last: dict[int, int] = {}
    for frame, part in zip(index.frames, part_of, strict=True):
        last |= {number: part for one in frame.slices for number in one.files}
    return [(last[number], index.files[number].path) for number in sorted(_late(index))]


def give_name(root: str, path: str) -> None:
    """Give a whole file its name; both processes may try."""
    try:
        os.rename(f"{root}/{path}{ARRIVING}", f"{root}/{path}")
    except FileNotFoundError:
        return


def complete(tree: Tree, index: Index) -> None:
    """Give late files their names, then say that the tree is complete."""
    for number in _late(index):
        give_name(tree.directory, index.files[number].path)
    _touch(tree.marker)
    os.unlink(tree.journal)


def _late(index: Index) -> set[int]:
    """Give the files that an import may see before they are whole."""
    return {
        number
        for frame in index.frames[index.begin :]
        for one in frame.slices
        for number in one.files
        if index.files[number].size > one.length
    }


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))


def _unless_there(make: Callable[..., None], *args: object, **kwargs: object) -> None:
    try:
        make(*args, **kwargs)
    except FileExistsError:
        return
