"""Which files a start touched: every read updates a file's access time, a native library's too.

Linux keeps access times even under `relatime` as long as a file was not read since it was written, which is what a
freshly loaded tree guarantees. Where a file system keeps none, Python's own module table must do.
"""

import json
import os
import sys

from .tree import Tree


def touched_and_not(tree: Tree) -> bytes:
    """Give the profile as compressed JSON: {"touched": paths in order of first access, "untouched": paths}."""
    import zlib  # noqa: PLC0415 - only a recording needs it

    with open(tree.names, "rb") as file:
        paths = [path for path, _, _ in json.load(file)["files"]]
    modules = _modules(tree)
    times = {path: _first_read(f"{tree.directory}/{path}") for path in paths}
    touched = sorted((path for path in paths if times[path] or path in modules), key=lambda path: times[path])
    seen = set(touched)
    profile = {"touched": touched, "untouched": [path for path in paths if path not in seen]}
    return zlib.compress(json.dumps(profile, separators=(",", ":")).encode(), 6)


def _first_read(path: str) -> int:
    """Give when a file was first read, in ns; 0 if never since it was written."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return status.st_atime_ns if status.st_atime_ns > status.st_mtime_ns else 0


def _modules(tree: Tree) -> set[str]:
    """Give the files Python itself says it loaded."""
    found = set[str]()
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        for path in (getattr(spec, "origin", None), getattr(spec, "cached", None)):
            if isinstance(path, str) and path.startswith(f"{tree.directory}/"):
                found.add(path[len(tree.directory) + 1 :])
    return found
