"""Unpack an archive into a directory: no file gets its name before the whole archive is accepted.

While it is read, files are written under numbers into one staging directory, so that there is no path and no link to
write through. Then directories are made, files are renamed into them, and links are placed last. Small files wait in
memory, up to a limit, and are written once, in their place.
"""

import math
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from deployer.inspection.archive.contents import Contents, Limits, Refusal
from deployer.inspection.archive.read import read
from deployer.inspection.archive.source import Source
from deployer.model.entry import Entry

SMALL = 64 * 1024
WAITING = 32 * 2**20
"""Bytes of small files that wait in memory."""
STAGING = ".dropshift-"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_DIRECTORY = 0o755
_CROWD = 1000
"""Files in one staging directory: file systems slow down in very full ones."""


def unpack(source: Source, directory: Path, limits: Limits) -> Contents | Refusal:
    """Return the result of `read`; if the archive is accepted, its tree is in the directory, which was empty.

    Raises OSError if the file system cannot hold it.
    """
    with Staging(directory) as staging:
        outcome = read(source, limits, staging)
        if isinstance(outcome, Contents):
            staging.place(outcome.entries)
    return outcome


class Staging:
    """A sink that keeps files under numbers until `place` is called, as long as there is room for them."""

    def __init__(self, directory: Path, room: int | None = None) -> None:
        self._left = math.inf if room is None else room
        self._directory = directory
        self._small: dict[str, bytes] = {}
        self._large: dict[str, str] = {}
        self._room = WAITING
        self._begun = ""
        self._pieces: list[bytes] = []
        self._file: int | None = None

    def __enter__(self) -> Self:
        self._path = Path(tempfile.mkdtemp(prefix=STAGING, dir=self._directory))
        self._at = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        self._masked = 0o777 & ~_mode_made(self._path)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()
        os.close(self._at)
        shutil.rmtree(self._path)

    @property
    def full(self) -> bool:
        """Return whether there was no room for something."""
        return self._left < 0

    def begin(self, path: str, size: int) -> None:
        """Start to collect a small file, or to write a large one under the next number."""
        self._left -= size
        if self.full:
            return
        self._begun = path
        if size > min(SMALL, self._room):
            self._file = os.open(self._number(path), _CREATE, 0o600, dir_fd=self._at)
        else:
            self._room -= size

    def write(self, piece: bytes) -> None:
        """Take the next bytes of the present file."""
        if self.full:
            return
        if self._file is None:
            self._pieces.append(piece)
        else:
            _write(self._file, piece)

    def end(self) -> None:
        """Close the present file."""
        if self.full:
            return
        if self._file is None:
            self._small[self._begun] = b"".join(self._pieces)
            self._pieces = []
        else:
            os.close(self._file)
            self._file = None

    def repeat(self, path: str, earlier: str) -> None:
        """Write the same bytes under another number, for a hard link."""
        if self.full:
            return
        if earlier in self._small:
            self._small[path] = self._small[earlier]
        else:
            earlier_number = self._large[earlier]
            os.link(earlier_number, self._number(path), src_dir_fd=self._at, dst_dir_fd=self._at)

    def place(self, entries: tuple[Entry, ...]) -> None:
        """Make the tree; the entries were checked, so no name is below a link and no file occurs twice."""
        made = {""}
        for entry in entries:
            parent, _, _ = entry.path.rpartition("/")
            self._make(entry.path if entry.kind == "directory" else parent, made)
            if entry.kind == "file":
                self._place(entry)
        for entry in entries:
            if entry.kind == "symlink":
                os.symlink(entry.target or "", entry.path, dir_fd=self._at)

    def _number(self, path: str) -> str:
        group, number = divmod(len(self._large), _CROWD)
        directory = f"{self._path.name}/{group}"
        if not number:
            os.mkdir(directory, 0o700, dir_fd=self._at)
        self._large[path] = f"{directory}/{number}"
        return self._large[path]

    def _place(self, entry: Entry) -> None:
        if entry.path in self._large:
            os.chmod(self._large[entry.path], entry.mode, dir_fd=self._at)
            os.rename(self._large[entry.path], entry.path, src_dir_fd=self._at, dst_dir_fd=self._at)
            return
        file = os.open(entry.path, _CREATE, entry.mode, dir_fd=self._at)
        try:
            if entry.mode & self._masked:
                os.fchmod(file, entry.mode)
            _write(file, self._small[entry.path])
        finally:
            os.close(file)

    def _make(self, path: str, made: set[str]) -> None:
        missing = []
        while path not in made:
            missing.append(path)
            path = path.rpartition("/")[0]
        for directory in reversed(missing):
            os.mkdir(directory, _DIRECTORY, dir_fd=self._at)
            if _DIRECTORY & self._masked:
                os.chmod(directory, _DIRECTORY, dir_fd=self._at)
            made.add(directory)


def _mode_made(staging: Path) -> int:
    """Return the mode of a new file with all permissions, under the process's umask."""
    probe = staging / "mode"
    probe.touch(0o777)
    mode = probe.stat().st_mode
    probe.unlink()
    return mode


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
