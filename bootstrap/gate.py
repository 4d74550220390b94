"""Let imports run while the rest of the release still arrives.

Only cold files can be missing, and a cold file is one that a real start was seen not to touch. So a module waits for
the whole tree only if a cold file could provide it; everything else is answered at once by the ordinary finders.
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
        """Wait for the tree if `name` may be missing; drop stale listings of directories that have grown."""
        self._loading.look()
        if not self._loading.done and self._may_be_missing(name):
            self._loading.wait_for_all()
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

    def _may_be_missing(self, name: str) -> bool:
        return name not in self._loading.early and name.rpartition(".")[2] in self._loading.late


def forget_listings() -> None:
    """Make the path finders read their directories again."""
    for finder in list(sys.path_importer_cache.values()):
        if finder is not None and hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()
