"""Where a release lies on disk, and when it counts as complete.

Lambda does not clear /tmp between a failed init and the next one, and managed instances fork processes that share it:

    A: takes the lock, loads half of the tree, is killed     -> no marker, a journal of what is in place
    B: takes the lock, sees no marker, loads what is missing -> writes the marker, keeps a shared lock
    C: waited for the lock, sees the marker                  -> uses B's tree

A tree is complete when its marker exists, never because its directory does. A tree whose lock is held is in use and is
not removed. Paths are plain strings: `pathlib` would be seen in the application's `sys.modules`.
"""

import os
from typing import NamedTuple

TEMPORARY = "/tmp"  # noqa: S108 - the one writable directory of a Lambda environment


class Tree(NamedTuple):
    """The paths that belong to one index digest."""

    base: str
    digest: str

    @property
    def directory(self) -> str:
        """Give the directory that stands for /var/task."""
        return f"{self.base}/{self.digest}"

    @property
    def marker(self) -> str:
        """Give the file whose existence says that the tree is complete."""
        return f"{self.directory}.complete"

    @property
    def journal(self) -> str:
        """Give the file that lists the parts in place, four bytes each, while the tree is incomplete."""
        return f"{self.directory}.journal"

    @property
    def names(self) -> str:
        """Give the file that holds the verified index."""
        return f"{self.directory}.index"

    @property
    def lock(self) -> str:
        """Give the file whose lock says who loads and who uses."""
        return f"{self.directory}.lock"

    @property
    def complete(self) -> bool:
        """Tell whether every file is in place."""
        return os.path.exists(self.marker)

    @property
    def libraries(self) -> str:
        """Give the file whose existence says that a library lies where LD_LIBRARY_PATH should point."""
        return f"{self.directory}.libraries"

    @property
    def needs_library_path(self) -> bool:
        """Tell whether the process must be started anew to find the release's libraries."""
        return os.path.exists(self.libraries)


def of(sha256: str) -> Tree:
    """Give the tree for an index digest, below /tmp/dropshift or where TMPDIR says."""
    base = f"{os.environ.get('TMPDIR') or TEMPORARY}/dropshift"
    os.makedirs(base, mode=0o755, exist_ok=True)
    return Tree(base, sha256[:32])
