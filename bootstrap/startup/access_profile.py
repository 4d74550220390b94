"""The files that a start touched: every read updates a file's access time, a native library's too.

Even under `relatime`, Linux records the first read after a write, and a freshly loaded tree was only written. On a file
system without access times, Python's own module table is all there is; it also names sources that nobody read.
"""

import os
import struct
import sys

from ..lines import decode, encode
from ..tree import Tree


def recorded(tree: Tree) -> bytes:
    """Return the profile as compressed JSON.

    {"touched": paths in order of first access, "milliseconds": when, 0 for those not read, "untouched": paths}
    """
    import zlib  # noqa: PLC0415 - only a recording needs it

    with open(tree.index_file, encoding="utf-8") as file:
        paths: list[str] = next(iter(decode(file.read())["files"]), [])
    times = {path: _first_read(f"{tree.directory}/{path}") for path in paths}
    needed = (set() if any(times.values()) else _modules(tree)) | _asked_for(tree, paths)
    touched = sorted((path for path in paths if times[path] or path in needed), key=lambda path: times[path])
    seen = set(touched)
    first = min((times[path] for path in touched if times[path]), default=0)
    profile = {
        "touched": touched,
        "milliseconds": [max(0, times[path] - first) // 1_000_000 for path in touched],
        "untouched": [path for path in paths if path not in seen],
    }
    return zlib.compress(encode(profile).encode(), 6)


def _first_read(path: str) -> int:
    """Return when a path was first read, in ns; 0 if not since it was last changed."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return status.st_atime_ns if status.st_atime_ns > status.st_mtime_ns else 0


def _asked_for(tree: Tree, paths: list[str]) -> set[str]:
    """Return the files that were opened before they had arrived, even if they were not read."""
    try:
        with open(tree.asked, "rb") as file:
            return {paths[number] for (number,) in struct.iter_unpack("<I", file.read())}
    except FileNotFoundError:
        return set()


def _modules(tree: Tree) -> set[str]:
    """Return the files Python itself has loaded."""
    found = set[str]()
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        for path in (getattr(spec, "origin", None), getattr(spec, "cached", None)):
            if isinstance(path, str) and path.startswith(f"{tree.directory}/"):
                found.add(path[len(tree.directory) + 1 :])
    return found
