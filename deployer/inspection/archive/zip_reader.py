"""A zip's entries, APPNOTE 6.3.10 sections 4.3.7 to 4.3.9, in one pass over the archive's bytes.

Every local header is compared with the central directory, and every stream with its sizes and CRC. The entries must
follow each other without a gap, so that every byte of the file belongs to a known structure.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator

from deployer.inspection.archive import zip_directory, zip_end, zip_extra
from deployer.inspection.archive.compression import Inflater
from deployer.inspection.archive.contents import Limits, Sinks
from deployer.inspection.archive.findings import WHOLE, Findings, UnreadableError, shown
from deployer.inspection.archive.names import link_target
from deployer.inspection.archive.source import Cursor, Source, TruncatedError
from deployer.inspection.archive.zip_directory import (
    DEFLATED,
    DESCRIPTOR,
    ENCRYPTED,
    LOCAL,
    PATCHED,
    STORED,
    Member,
)
from deployer.model.entry import Entry

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_SIGNATURE = b"PK\x03\x04"
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_DESCRIPTOR_MOST = 24
_FLAGS = ENCRYPTED | PATCHED | DESCRIPTOR
"""Bits that a local header and the central directory must agree on; bit 11, too, if the name is not ASCII."""
_UTF8 = 0x0800


def read(source: Source, stream: Iterator[bytes], limits: Limits, findings: Findings, sinks: Sinks) -> list[Entry]:
    """Return the entries; problems of single entries are collected, and the reading continues."""
    directory = zip_end.find(source)
    members = zip_directory.read(source, directory, limits, findings)
    cursor = Cursor(stream)
    ends = [*(member.offset for member in members[1:]), directory.offset]
    entries = []
    try:
        for member, end in zip(members, ends, strict=True):
            entries.append(_read_member(cursor, member, end, findings, sinks))
            cursor.skip(end - cursor.position)
        for _ in cursor.rest():
            pass
    except TruncatedError:
        raise UnreadableError(WHOLE, "fewer bytes than announced", "a whole zip file", "upload it again") from None
    return [entry for entry in entries if entry is not None and entry.path]


def _read_member(cursor: Cursor, member: Member, end: int, findings: Findings, sinks: Sinks) -> Entry | None:
    fault = _local_fault(cursor, member, end)
    if fault:
        findings.add(shown(member.name), fault, "a local header that agrees with the central directory")
    if fault or member.path is None or member.method not in (STORED, DEFLATED) or member.flags & ENCRYPTED:
        return None
    data_end = cursor.position + member.packed
    entry = _read_data(cursor, member, findings, sinks)
    cursor.skip(data_end - cursor.position)
    behind = cursor.take(min(end - data_end, _DESCRIPTOR_MOST + 1))
    fault = _descriptor_fault(behind, member)
    if fault:
        findings.add(shown(member.name), fault, "entries without gaps, data descriptors that are exact")
    return entry


def _local_fault(cursor: Cursor, member: Member, end: int) -> str | None:
    """Read the local header; return its problem, None if it agrees with the central directory."""
    # fmt: off
    (signature, _, flags, method, _, _, crc, packed, size, name_length,
     extra_length) = _LOCAL.unpack(cursor.take(LOCAL))
    # fmt: on
    if signature != _SIGNATURE:
        return "no local header where one should be"
    if cursor.position + name_length + extra_length + member.packed > end:
        return "overlaps the next entry or the central directory"
    name, extra = cursor.take(name_length), cursor.take(extra_length)
    try:
        fields = zip_extra.parse(extra)
        zip_extra.check_unicode_path(fields, name)
        size, packed = zip_extra.widen(fields, size, packed)
    except zip_extra.MalformedError as error:
        return str(error)
    return _difference(member, name, method, flags, (crc, packed, size))


def _difference(member: Member, name: bytes, method: int, flags: int, sums: tuple[int, int, int]) -> str | None:
    """Return the fields that differ; CRC and sizes in a local header may be 0 if a data descriptor follows."""
    differing = [
        part
        for part, same in (
            ("name", name == member.name),
            ("method", method == member.method),
            ("flags", (flags ^ member.flags) & (_FLAGS if name.isascii() else _FLAGS | _UTF8) == 0),
        )
        if not same
    ]
    for part, value, wanted in zip(
        ("CRC", "compressed size", "size"), sums, (member.crc, member.packed, member.size), strict=True
    ):
        if value != wanted and (value or not flags & DESCRIPTOR):
            differing.append(part)
    return f"a local header with another {' and '.join(differing)}" if differing else None


def _read_data(cursor: Cursor, member: Member, findings: Findings, sinks: Sinks) -> Entry | None:
    pieces = cursor.pieces(member.packed)
    data: Iterable[bytes | memoryview] = pieces if _is_plain(member) else _inflate(pieces, member, findings)
    path, known = member.path or "", len(findings)
    if member.kind == "file":
        sinks.begin(path, member.size)
        _pour(data, member, sinks.write, findings)
        entry = sinks.end(member.mode)
        return entry if len(findings) == known else None
    target: list[bytes] = []
    _pour(data, member, target.append, findings)
    if member.kind == "directory":
        return Entry(path=path, kind="directory", mode=member.mode, size=0)
    text = link_target(path, b"".join(target), findings) if len(findings) == known else None
    return Entry(path=path, kind="symlink", mode=0o777, size=0, target=text) if text else None


def _is_plain(member: Member) -> bool:
    """Return whether an entry is stored, or a deflated directory without data, as zipfile wrote up to Python 3.5."""
    return member.method == STORED or (member.kind == "directory" and not member.packed)


def _pour(
    data: Iterable[bytes | memoryview], member: Member, write: Callable[[bytes], None], findings: Findings
) -> None:
    """Pass on the bytes, at most as many as declared; compare size and CRC with the directory."""
    size = crc = 0
    known = len(findings)
    for piece in data:
        size += len(piece)
        if size > member.size:
            break
        crc = zlib.crc32(piece, crc)
        write(bytes(piece))
    if len(findings) > known:
        return
    if size != member.size:
        found = f"{'more' if size > member.size else 'fewer'} bytes than the {member.size} declared"
        findings.add(shown(member.name), found, "streams that end exactly at their declared size")
    elif crc != member.crc:
        findings.add(shown(member.name), "damaged: its CRC-32 does not match", "undamaged files")


def _inflate(pieces: Iterator[memoryview], member: Member, findings: Findings) -> Iterator[bytes]:
    """Inflate in bounded steps; the stream must end with its last compressed byte, RFC 1951."""
    inflater = Inflater(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            yield from inflater.feed(piece)
            if inflater.surplus:
                findings.add(shown(member.name), "data behind its compressed stream", "one stream per entry")
                return
    except zlib.error:
        findings.add(shown(member.name), "damaged: its compressed data is invalid", "undamaged files")
        return
    if not inflater.ended:
        findings.add(shown(member.name), "its compressed data is cut short", "whole files")


def _descriptor_fault(data: bytes, member: Member) -> str | None:
    """Return the problem behind the data, where nothing or a data descriptor (4.3.9) is allowed.

    A descriptor may lack its signature, and have 32- or 64-bit sizes: tools write all four forms.
    """
    if not member.flags & DESCRIPTOR:
        return "unused bytes behind its data" if data else None
    forms = ("<III", "<IQQ") if max(member.packed, member.size) < zip_extra.FULL else ("<IQQ",)
    plain = [struct.pack(form, member.crc, member.packed, member.size) for form in forms]
    sound = data in (*plain, *(_DESCRIPTOR_SIGNATURE + form for form in plain))
    return None if sound else "a data descriptor that is missing or wrong"
