"""Let imports run while the rest of the release still arrives.

The files arrive in the order in which an earlier start touched them, so a module waits only until the part is in place
that holds what was opened up to the next module's turn. A module that no start was seen to import waits for everything;
a name that no file of the tree could stand for does not wait at all.
"""

import sys
from typing import Any

from .loading import Loading


class Gate:
    """A meta path finder that finds nothing: it waits where it must and lets the others find."""

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        self._seen = 0

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Wait for what `name` needs; drop stale listings of directories that have grown."""
        self._loading.look()
        self._loading.wait_for(name)
        if self._loading.changes != self._seen:
            self._seen = self._loading.changes
            forget_listings()

    def open(self) -> None:
        """Start to watch imports."""
        finders: list[Any] = sys.meta_path
        finders.insert(0, self)

    def close(self) -> None:
        """Leave no trace."""
        finders: list[Any] = sys.meta_path
        if self in finders:
            finders.remove(self)
        forget_listings()


def forget_listings() -> None:
    """Make the path finders read their directories again."""
    for finder in list(sys.path_importer_cache.values()):
        if finder is not None and hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()
