"""Let imports run while the rest of the release still arrives.

The files arrive in the order in which an earlier start touched them, so a module waits only until the part is in place
that holds what was opened up to the next module's turn. A module that no start was seen to import waits for everything;
a name that no file of the tree could stand for does not wait at all. What lists a folder, as a search for plugins does,
waits until nothing is missing in it; an import lists folders too, and needs only what it imports, and so does whoever
asks for the version of a package. Listings are heard of by an audit hook (PEP 578): nothing is replaced that an
application could get hold of, and what stays, for hooks cannot be taken back, is a comparison.
"""

import os
import sys
from typing import Any

from .loading import Loading

LISTINGS = ("os.listdir", "os.scandir")


class Gate:
    """A meta path finder that finds nothing: it waits where it must and lets the others find."""

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        self._seen = 0
        self._opened = False

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Wait for what `name` needs; drop stale listings of directories that have grown."""
        self._loading.look()
        self._loading.wait_for(name)
        if self._loading.changes != self._seen:
            self._seen = self._loading.changes
            forget_listings()

    def open(self) -> None:
        """Start to watch imports and listings."""
        finders: list[Any] = sys.meta_path
        finders.insert(0, self)
        self._opened = True
        sys.addaudithook(self._hear)

    def close(self) -> None:
        """Leave no trace."""
        finders: list[Any] = sys.meta_path
        if self in finders:
            finders.remove(self)
        self._opened = False
        forget_listings()

    def _hear(self, event: str, told: tuple[Any, ...]) -> None:
        if self._opened and event in LISTINGS:
            file = sys._getframe(1).f_code.co_filename  # noqa: SLF001 - as `logging` finds its caller
            if "importlib" not in file and file != "<frozen site>":
                self._loading.wait_for_listing(_place(told[0]))


def _place(path: Any) -> str:  # noqa: ANN401 - text, bytes, a path, a descriptor, or nothing
    return os.path.realpath(f"/proc/self/fd/{path}" if isinstance(path, int) else os.fsdecode(path or "."))


def forget_listings() -> None:
    """Make the path finders read their directories again."""
    for finder in list(sys.path_importer_cache.values()):
        if finder is not None and hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()
