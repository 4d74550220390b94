"""Pure: one node of the tree that an archive unpacks to."""

from typing import Literal

from deployer.model.value import Value

EntryKind = Literal["file", "directory", "symlink"]


DISK_BLOCK = 4_096
"""Bytes of a block of the usual file systems."""


class Entry(Value):
    """One node of the tree an archive unpacks to."""

    path: str
    """Relative, '/' between components, no leading './', no trailing '/'."""
    kind: EntryKind
    mode: int
    """Permission bits only: 0o755 or 0o644. Of the archive's mode only the executable bit is kept."""
    size: int
    """Bytes of a file; 0 for a directory and a symbolic link."""
    target: str | None = None
    """Target of a symbolic link, relative to the link's directory."""
    sha256: str | None = None
    """Digest of a file's bytes, lower-case hex."""

    @property
    def on_disk(self) -> int:
        """Return the bytes that its content takes on disk: whole blocks."""
        return -(-self.size // DISK_BLOCK) * DISK_BLOCK
