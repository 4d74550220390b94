"""Let imports run while the rest of the release still arrives.

The files arrive in the order in which an earlier start touched them, so a module waits only until the part is in place
that holds what was opened up to the next module's turn. A module that no start was seen to import waits for everything;
a name that no file of the tree could stand for does not wait at all. What lists a folder, as a search for plugins does,
waits until nothing is missing in it; imports list folders by other means, and need only what they import. The root is
listed by whoever asks for the version of a package: that must not wait, so it is told what will be there.
"""

import os
import sys
from typing import Any

from .loading import Loading
from .skeleton import ARRIVING


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
        """Start to watch imports and listings."""
        finders: list[Any] = sys.meta_path
        finders.insert(0, self)
        self._plain = os.listdir, os.scandir
        os.listdir, os.scandir = self._listdir, self._scandir

    def close(self) -> None:
        """Leave no trace."""
        finders: list[Any] = sys.meta_path
        if self in finders:
            finders.remove(self)
            os.listdir, os.scandir = self._plain
        forget_listings()

    def _listdir(self, path: Any = ".") -> list[Any]:  # noqa: ANN401 - text, bytes, a path or a descriptor
        place = _place(path)
        if place == self._loading.root and not isinstance(path, bytes):
            there = {name for name in self._plain[0](path) if not name.endswith(ARRIVING)}
            return [*(there if self._loading.done else there | self._loading.top)]
        self._loading.wait_for_listing(place)
        return self._plain[0](path)

    def _scandir(self, path: Any = ".") -> Any:  # noqa: ANN401 - as above
        self._loading.wait_for_listing(_place(path))
        return self._plain[1](path)


def _place(path: Any) -> str:  # noqa: ANN401 - as above
    return os.path.realpath(f"/proc/self/fd/{path}" if isinstance(path, int) else os.fsdecode(path or "."))


def forget_listings() -> None:
    """Make the path finders read their directories again."""
    for finder in list(sys.path_importer_cache.values()):
        if finder is not None and hasattr(finder, "invalidate_caches"):
            finder.invalidate_caches()
