"""Let imports run while the rest of the release still arrives.

The files arrive in the order in which an earlier start touched them, so a module waits only until the part is in place
that holds what was opened up to the next module's turn. A module that no start was seen to import waits for everything;
a name that no file of the tree could stand for does not wait at all. What lists a folder, as a search for plugins does,
waits until nothing is missing in it; an import lists folders too, and needs only what it imports, and so does whoever
asks for the version of a package. Listings are heard of by standing in for `os.listdir` and `os.scandir` until the last
file is in place. An audit hook (PEP 578) would hear of them too, but cannot be taken back, and an application would pay
for it ever after: a microsecond for each `id()`.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

from .progress import Loading


class Gate:
    """A meta path finder that finds nothing: it waits where it must and lets the others find."""

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        self._seen = 0
        self._replaced: list[tuple[str, Any, Any]] = []

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
        for name in () if self._loading.done else ("listdir", "scandir"):
            theirs = getattr(os, name)
            ours = self._waiting(theirs)
            setattr(os, name, ours)
            self._replaced.append((name, theirs, ours))
            os.supports_fd.add(ours)

    def close(self) -> None:
        """Leave no trace."""
        finders: list[Any] = sys.meta_path
        if self in finders:
            finders.remove(self)
        for name, theirs, ours in self._replaced:
            os.supports_fd.discard(ours)
            if getattr(os, name) is ours:  # and not what an application put there meanwhile
                setattr(os, name, theirs)
        forget_listings()

    def _waiting(self, theirs: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def listing(path: Any = None) -> Any:  # noqa: ANN401 - as the function it stands in for
            if not self._loading.done:
                file = sys._getframe(1).f_code.co_filename  # noqa: SLF001 - as `logging` finds its caller
                if "importlib" not in file and file != "<frozen site>":
                    self._loading.wait_for_listing(_place(path))
            return theirs(path)

        listing.__name__, listing.__doc__ = theirs.__name__, theirs.__doc__
        return listing


def _place(path: Any) -> str:  # noqa: ANN401 - text, bytes, a path, a descriptor, or nothing
    return os.path.realpath(f"/proc/self/fd/{path}" if isinstance(path, int) else os.fsdecode(path or "."))


def forget_listings() -> None:
    """Make the path finders read their directories again."""
    for finder in list(sys.path_importer_cache.values()):
        if finder is not None and hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()
