"""Which files a start touched: every read updates a file's access time, a native library's too.

Linux keeps access times even under `relatime` as long as a file was not read since it was written, which is what a
freshly loaded tree guarantees. Where a file system keeps none, Python's own module table must do.
"""

import json
import os
import sys

from ..tree import Tree


def touched_and_not(tree: Tree) -> bytes:
    """Give the profile as compressed JSON.

    {"touched": paths in order of first access, "milliseconds": when, 0 for those not read, "untouched": paths}
    """
    import zlib  # noqa: PLC0415 - only a recording needs it

    with open(tree.names, "rb") as file:
        index = json.load(file)
    paths: list[str] = next(iter(index["files"]), [])
    times = {path: _first_read(f"{tree.directory}/{path}") for path in paths}
    needed = _modules(tree) | _listed(tree, index["directories"], paths)
    touched = sorted((path for path in paths if times[path] or path in needed), key=lambda path: times[path])
    seen = set(touched)
    first = min((times[path] for path in touched if times[path]), default=0)
    profile = {
        "touched": touched,
        "milliseconds": [max(0, times[path] - first) // 1_000_000 for path in touched],
        "untouched": [path for path in paths if path not in seen],
    }
    return zlib.compress(json.dumps(profile, separators=(",", ":")).encode(), 6)


def _first_read(path: str, at_least: int = 1) -> int:
    """Give when a path was first read, in ns; 0 if not `at_least` ns after it was last changed."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return status.st_atime_ns if status.st_atime_ns - status.st_mtime_ns >= at_least else 0


def _listed(tree: Tree, directories: list[str], paths: list[str]) -> set[str]:
    """Give the files of data directories whose names were listed: a listing must not miss what is still to come.

    Directories that hold modules are listed by every import, which says nothing.
    """
    listed = {folder for folder in directories if _first_read(f"{tree.directory}/{folder}", at_least=0)}
    data = listed - {path.rpartition("/")[0] for path in paths if path.endswith((".py", ".pyc", ".so"))}
    return {path for path in paths if path.rpartition("/")[0] in data}


def _modules(tree: Tree) -> set[str]:
    """Give the files Python itself says it loaded."""
    found = set[str]()
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        for path in (getattr(spec, "origin", None), getattr(spec, "cached", None)):
            if isinstance(path, str) and path.startswith(f"{tree.directory}/"):
                found.add(path[len(tree.directory) + 1 :])
    return found
