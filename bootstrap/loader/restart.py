"""A process that starts in a used environment: it runs what was verified, or the release is loaded again.

The kernel sets a changed file's ctime, and a changed directory's, whatever a program says of its times (inode(7)). The
marker is written last, and later by a step of the kernel's clock. So everything in a tree that is as it was verified is
older than the marker. This holds against accidents; code that sets out to deceive its own environment can write a
marker of its own.
"""

import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256

from ..index import Index
from ..pointer import Pointer
from ..tree import Tree
from . import zstd


def changed(tree: Tree, pointer: Pointer) -> str | None:
    """Return what of a complete tree is not as it was verified; None when everything is."""
    with open(tree.marker, "rb") as file:
        since, content = os.fstat(file.fileno()).st_ctime_ns, file.read()
    if sha256(content).hexdigest() != pointer.sha256:
        return "its index"
    return next((path or "." for path, fits in _expected(content) if not _is(tree, path, fits, since)), None)


def _expected(content: bytes) -> Iterator[tuple[str, Callable[[os.stat_result], bool]]]:
    index = Index.parse(zstd.decompress(content))
    for path in ("", *index.directories):
        yield path, lambda seen: stat.S_ISDIR(seen.st_mode)
    for path, _ in index.links:
        yield path, lambda seen: stat.S_ISLNK(seen.st_mode)
    for file in index.files:
        yield file.path, partial(_is_file, file.size)


def _is_file(size: int, seen: os.stat_result) -> bool:
    return stat.S_ISREG(seen.st_mode) and seen.st_size == size


def _is(tree: Tree, path: str, fits: Callable[[os.stat_result], bool], since: int) -> bool:
    try:
        seen = os.lstat(f"{tree.directory}/{path}")
    except OSError:
        return False
    return is_older(seen, since) and fits(seen)


def is_older(seen: os.stat_result, since: int) -> bool:
    """Return whether a path was last changed before a time, by the kernel's clock."""
    return seen.st_ctime_ns < since
