"""Pure: pax extended headers, POSIX.1-2017 pax "pax Extended Header"."""

import re

from deployer.inspection.archive.findings import UnreadableError

_LENGTH = re.compile(rb"[1-9][0-9]{0,7} ")
_DECIMAL = re.compile(rb"[0-9]{1,64}")
_SPARSE = ("GNU.sparse.", "SUN.holesdata", "SCHILY.realsize")
_PLACES = ("path", "linkpath", "size")
"""Keywords for a file's place and length; everything else is metadata."""
_OWNERS = ("uname", "gname")
"""Metadata in which a NUL is refused: some tools end the text there, as in ustar's own fields, others fail."""


def parse(data: bytes, where: str) -> dict[str, bytes]:
    """Return the records for a file's place and length; stop at sparse maps and at wrong lengths of records."""
    records: dict[str, bytes] = {}
    at = 0
    while at < len(data):
        match = _LENGTH.match(data, at)
        end = at + int(match[0]) if match else 0
        if match is None or end <= match.end() or end > len(data) or data[end - 1] != ord("\n"):
            raise UnreadableError(where, "a pax record with a wrong length", "records of the form 'length key=value'")
        _keep(records, data[match.end() : end - 1], where)
        at = end
    return records


def _keep(records: dict[str, bytes], record: bytes, where: str) -> None:
    raw, equals, value = record.partition(b"=")
    key = raw.decode("utf-8", "replace")
    if not raw or not equals:
        raise UnreadableError(where, "a pax record without a key", "records of the form 'length key=value'")
    if key.startswith(_SPARSE):
        raise UnreadableError(where, "a sparse file", "files with all their bytes", "pack without --sparse")
    if b"\0" in raw or (key in _OWNERS and b"\0" in value):
        raise UnreadableError(where, "a pax record with a NUL in it", "text without NULs")
    if key not in _PLACES:
        return
    if key in records and records[key] != value:
        raise UnreadableError(where, f"two pax records for its {key}", "one")
    if not value or b"\0" in value:
        raise UnreadableError(where, f"a pax {key} that is empty or has a NUL in it", "whole names and sizes")
    records[key] = value


def size(records: dict[str, bytes], header: int, fits: bool, where: str) -> int:  # noqa: FBT001 - one caller
    """Return the file's size: a pax size counts only where the header's field could not hold it.

    Readers that ignore pax sizes would find other files in the archive (CVE-2025-62518).
    """
    value = records.get("size")
    if value is None:
        return header
    if not _DECIMAL.fullmatch(value):
        raise UnreadableError(where, "a pax size that is not a number", "decimal numbers")
    wanted = int(value)
    if wanted != header and (fits or wanted < 8**11):
        raise UnreadableError(where, f"a pax size of {wanted}, but {header} in its header", "sizes that agree")
    return wanted
