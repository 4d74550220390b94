"""A tar's entries in one pass: POSIX ustar and pax, GNU long names, v7 and star headers.

If a length is not exact, the reading stops: after a wrong size, two tools would find different files.
"""

from collections.abc import Iterator

from deployer.inspection.archive import tar_header, tar_pax
from deployer.inspection.archive.contents import Limits, Sinks
from deployer.inspection.archive.findings import WHOLE, Findings, UnreadableError, shown
from deployer.inspection.archive.names import clean, link_target
from deployer.inspection.archive.source import Cursor, TruncatedError
from deployer.inspection.archive.tar_extended import EXTENDED, GLOBAL, ExtendedHeaders
from deployer.inspection.archive.tar_header import BLOCK, ZEROS, Header
from deployer.model.entry import Entry

_OLD_FILE = b"\0"
"""Type of a file before POSIX, where a trailing '/' meant a directory."""
_FILES = (b"0", _OLD_FILE, b"7")
"""A contiguous file, '7', is a regular file on systems without contiguous files (POSIX)."""
_HARD_LINK, _SYMLINK, _DIRECTORY = b"1", b"2", b"5"
_SPECIAL = {b"3": "a character device", b"4": "a block device", b"6": "a FIFO", b"S": "a sparse file"}


class Reader:
    """Reads one tar: its entries, and how much they are allowed to take."""

    def __init__(self, stream: Iterator[bytes], limits: Limits, findings: Findings, sinks: Sinks) -> None:
        self._cursor = Cursor(stream)
        self._extended = ExtendedHeaders(self._cursor, limits)
        self._limits = limits
        self._findings = findings
        self._sinks = sinks
        self._files: dict[str, Entry] = {}
        self._entries: list[Entry] = []
        self._count = self._copied = self._names = 0

    def read(self) -> list[Entry]:
        """Return the entries; problems of names are collected, and the reading continues."""
        try:
            while (block := self._cursor.take(BLOCK)) != ZEROS:
                self._header(tar_header.parse(block))
                self._check_unpacked()
        except TruncatedError:
            found = "no end marker: cut short" if self._cursor.position else "no bytes at all"
            raise UnreadableError(WHOLE, found, "a whole tar with its end marker", "upload it again") from None
        if self._extended.pending:
            raise UnreadableError(WHOLE, "an extended header without a file after it", "extended headers before files")
        if not self._count:
            raise UnreadableError(WHOLE, "an archive without entries", "at least one file", "pack the release's files")
        self._end()
        return self._entries

    def _end(self) -> None:
        """Check that only zeros follow: POSIX has two blocks of them as end marker, and tools pad to 10 KiB."""
        zeros = bytes(1 << 20)
        for piece in self._cursor.rest():
            if piece != zeros[: len(piece)]:
                raise UnreadableError(WHOLE, "data behind the end marker", "nothing behind it")
            self._check_unpacked()

    def _check_unpacked(self, more: int = 0) -> None:
        """Check the limit. Every byte of the tar counts; hard links count as copies, and `more` bytes are announced."""
        size = self._cursor.position + self._copied + more
        if size > self._limits.unpacked:
            found, allowed = f"{size} bytes or more when unpacked", f"at most {self._limits.unpacked}"
            raise UnreadableError(WHOLE, found, allowed, "make the release smaller")

    def _header(self, header: Header) -> None:
        if header.type in EXTENDED:
            self._extended.keep(header)
        elif header.type == GLOBAL:
            self._extended.check_global(header)
        else:
            self._entry(header)
            self._extended.pending = {}

    def _entry(self, header: Header) -> None:
        self._count += 1
        if self._count > self._limits.entries:
            most = self._limits.entries
            raise UnreadableError(WHOLE, f"more than {most} entries", f"at most {most}", "pack fewer files")
        records = self._extended.records()
        name, link = records.get("path", header.name), records.get("linkpath", header.link)
        self._names += len(name) + len(link)
        if self._names > self._limits.directory:
            raise UnreadableError(WHOLE, "too many bytes of names", f"at most {self._limits.directory}", "shorten them")
        fits = 0 < header.size < 8**11 - 1
        size = tar_pax.size(records, header.size, fits, shown(name)) if records else header.size
        self._dispatch(header, name, link, size)

    def _dispatch(self, header: Header, name: bytes, link: bytes, size: int) -> None:
        slash = name.endswith(b"/")
        if header.type in _FILES and not slash:
            self._file(name, header.mode, size)
        elif size:
            raise UnreadableError(shown(name), "data in an entry that is not a file", "data in files only")
        elif header.type == _DIRECTORY or (header.type == _OLD_FILE and slash and not self._extended.pending):
            self._directory(name)
        elif header.type in _FILES:
            self._findings.add(shown(name), "a file with a directory's name", "a trailing '/' on directories only")
        elif header.type == _SYMLINK:
            self._symlink(name, link)
        elif header.type == _HARD_LINK:
            self._hard_link(name, link)
        else:
            found = _SPECIAL.get(header.type, f"an entry of type {shown(header.type)!r}")
            self._findings.add(shown(name), found, "files, directories and links", "leave it out")

    def _path(self, name: bytes) -> str | None:
        """Return the path of an entry that is not the root."""
        path = self._clean(name)
        if path == "":
            self._findings.add(shown(name), "a file in the root's place", "a directory as the root")
        return path or None

    def _clean(self, name: bytes) -> str | None:
        if not name:
            self._findings.add(WHOLE, "an entry without a name", "a name for every entry")
            return None
        return clean(name, self._findings)

    def _directory(self, name: bytes) -> None:
        path = self._clean(name.rstrip(b"/") if name.strip(b"/") else name)
        if path:
            self._entries.append(Entry(path=path, kind="directory", mode=0o755, size=0))

    def _file(self, name: bytes, mode: int, size: int) -> None:
        self._check_unpacked(size)
        path = self._path(name)
        if path:
            self._sinks.begin(path, size)
            for piece in self._cursor.pieces(size):
                self._sinks.write(bytes(piece))
            self._add_file(self._sinks.end(0o755 if mode & 0o111 else 0o644))
        else:
            self._cursor.skip(size)
        self._cursor.skip(-size % BLOCK)

    def _add_file(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._files[entry.path] = entry

    def _symlink(self, name: bytes, link: bytes) -> None:
        path = self._path(name)
        target = link_target(path, link, self._findings) if path else None
        if path and target:
            self._entries.append(Entry(path=path, kind="symlink", mode=0o777, size=0, target=target))

    def _hard_link(self, name: bytes, link: bytes) -> None:
        """Make a separate file of a hard link, so its bytes count again."""
        path, earlier = self._path(name), clean(link, self._findings)
        if not path or earlier is None:
            return
        file = self._files.get(earlier)
        if file is None:
            found = f"a hard link to {shown(earlier)}, which is not an earlier file"
            self._findings.add(shown(path), found, "hard links to files in front of them", "pack it as a file")
            return
        self._copied += file.size
        self._check_unpacked()
        self._sinks.repeat(path, earlier)
        self._add_file(file.model_copy(update={"path": path}))
