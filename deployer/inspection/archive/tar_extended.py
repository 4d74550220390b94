"""A tar's extended headers, which say more of the next entry than its own header can: pax records, GNU long names."""

from deployer.inspection.archive import tar_pax
from deployer.inspection.archive.contents import Limits
from deployer.inspection.archive.findings import WHOLE, UnreadableError, shown
from deployer.inspection.archive.source import Cursor
from deployer.inspection.archive.tar_header import BLOCK, Header

EXTENDED = {b"x": "pax", b"L": "path", b"K": "linkpath"}
"""Types of headers for the next entry."""
GLOBAL = b"g"
"""Type of a header for all entries behind it."""


class ExtendedHeaders:
    """Keeps pax records and long names for the next entry."""

    def __init__(self, cursor: Cursor, limits: Limits) -> None:
        self.pending: dict[str, dict[str, bytes]] = {}
        """By the kind of header."""
        self._cursor = cursor
        self._limits = limits
        self._read = 0

    def records(self) -> dict[str, bytes]:
        """Return all that is kept for the next entry."""
        return {key: value for found in self.pending.values() for key, value in found.items()}

    def keep(self, header: Header) -> None:
        """Keep a pax header, 'x', or a GNU long name, 'L' and 'K', for the next entry."""
        kind, where = EXTENDED[header.type], shown(header.name)
        if kind in self.pending or (self.pending and "pax" in (kind, *self.pending)):
            raise UnreadableError(where, "two extended headers for one file", "one pax header, or GNU long names")
        data, padding = self._record(header)
        if kind == "pax":
            self.pending[kind] = tar_pax.parse(data, where)
            return
        text = data.rstrip(b"\0")
        if not text or (data + padding).partition(b"\0")[0] != text:
            raise UnreadableError(where, "a GNU long name with a NUL in it, or without one at its end", "one name")
        self.pending[kind] = {kind: text}

    def check_global(self, header: Header) -> None:
        """Check a global pax header, 'g': it may have comments (git archive writes one), but no file's place."""
        where = shown(header.name)
        if self.pending:
            raise UnreadableError(where, "a global header between a file and its own", "headers in front of files")
        records = tar_pax.parse(self._record(header)[0], where)
        if records:
            raise UnreadableError(where, f"a global pax {next(iter(records))}", "names and sizes of single files")

    def _record(self, header: Header) -> tuple[bytes, bytes]:
        """Return a record and the padding behind it."""
        where = shown(header.name)
        if header.size > self._limits.record:
            found = f"a name or pax record of {header.size} bytes"
            raise UnreadableError(where, found, f"at most {self._limits.record}", "shorten it")
        self._read += header.size
        if self._read > 2 * self._limits.directory:
            found = f"{self._read} bytes of long names and pax records"
            most = f"at most {2 * self._limits.directory}"
            raise UnreadableError(WHOLE, found, most, "pack it without extended attributes")
        return self._cursor.take(header.size), self._cursor.take(-header.size % BLOCK)
