"""The place of a release on disk, and the marker of its completeness.

Lambda does not clear /tmp between a failed init and the next one, and managed instances fork processes that share it:

    A: takes the lock, loads half of the tree, is killed     -> no marker, a journal of what is in place
    B: takes the lock, sees no marker, loads what is missing -> writes the marker, keeps a shared lock
    C: waited for the lock, sees the marker                  -> uses B's tree

A tree is complete when its marker exists, never because its directory does. A tree whose lock is held is in use and is
not removed. Paths are plain strings: `pathlib` would be seen in the application's `sys.modules`.
"""

import os
from typing import NamedTuple

TASK_ROOT = "/var/task"
TEMPORARY = "/tmp"  # noqa: S108 - the one writable directory of a Lambda environment


class Tree(NamedTuple):
    """The paths that belong to one index digest."""

    base: str
    digest: str

    @property
    def directory(self) -> str:
        """Return the directory that stands for /var/task."""
        return f"{self.base}/{self.digest}"

    @property
    def marker(self) -> str:
        """Return the file whose existence records that the tree is complete; it holds the index as it was pinned."""
        return f"{self.directory}.complete"

    @property
    def journal(self) -> str:
        """Return the file that lists the parts in place, four bytes each, while the tree is incomplete."""
        return f"{self.directory}.journal"

    @property
    def index_file(self) -> str:
        """Return the file that holds the verified index."""
        return f"{self.directory}.index"

    @property
    def asked(self) -> str:
        """Return the file that lists the files that were opened before they had arrived, four bytes each."""
        return f"{self.directory}.asked"

    @property
    def lock(self) -> str:
        """Return the file whose lock is exclusive for the loader and shared for users."""
        return f"{self.directory}.lock"

    @property
    def complete(self) -> bool:
        """Return whether every file is in place."""
        return os.path.exists(self.marker)

    @property
    def start_folders(self) -> str:
        """Return the file that lists the folders with shared libraries or a `sitecustomize`, one per line."""
        return f"{self.directory}.start"

    def matters_at_start(self, folder: str) -> bool:
        """Return whether a folder of the tree, links followed, has files that a process looks for only at its start."""
        try:
            with open(self.start_folders, "rb") as file:
                known = os.fsdecode(file.read()).split("\n")
        except FileNotFoundError:
            return False
        place = os.path.relpath(os.path.realpath(folder), os.path.realpath(self.directory))
        variants = f"{place}/glibc-hwcaps/".removeprefix("./")  # ld.so(8): libraries for newer processors
        return place in known or any(one.startswith(variants) for one in known)


def _temporary() -> str:
    wanted = os.environ.get("TMPDIR") or TEMPORARY
    on_lambda = os.environ.get("LAMBDA_TASK_ROOT") == TASK_ROOT
    return TEMPORARY if on_lambda and not f"{os.path.realpath(wanted)}/".startswith(f"{TEMPORARY}/") else wanted


def of(sha256: str) -> Tree:
    """Return the tree for an index digest, below /tmp/dropshift, or below TMPDIR.

    On Lambda a TMPDIR outside /tmp is not used: functions may share what is mounted there, and each other's trees.
    """
    base = f"{_temporary()}/dropshift"
    os.makedirs(base, mode=0o755, exist_ok=True)
    return Tree(base, sha256[:32])
