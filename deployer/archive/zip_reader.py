"""A zip's entries, APPNOTE 6.3.10 sections 4.3.7 to 4.3.9, in one pass over the archive's bytes.

Every local header is held against the central directory, every stream against its sizes and CRC, and
the entries must follow each other without a gap: there is nothing in the file that is not accounted for.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator

from deployer.archive import zip_directory, zip_end, zip_extra
from deployer.archive.findings import Findings, UnreadableError, shown
from deployer.archive.names import link_target
from deployer.archive.source import Cursor, EndedError, Source
from deployer.archive.values import Entry, Limits, Sink, Tally
from deployer.archive.zip_directory import DEFLATED, DESCRIPTOR, LOCAL, STORED, Member

STEP = 1 << 20
"""Bytes that one call may inflate."""
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_SIGNATURE = b"PK\x03\x04"
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_FLAGS = 0x0001 | DESCRIPTOR
"""Bits that a local header and the central directory must agree on."""


def read(source: Source, stream: Iterator[bytes], limits: Limits, findings: Findings, sink: Sink | None) -> list[Entry]:
    """Return the entries; what is wrong with single entries is noted and the reading goes on."""
    directory = zip_end.find(source)
    members = zip_directory.read(source, directory, limits, findings)
    cursor = Cursor(stream)
    ends = [*(member.offset for member in members[1:]), directory.offset]
    try:
        entries = [_read_member(cursor, member, end, findings, sink) for member, end in zip(members, ends, strict=True)]
        for _ in cursor.rest():
            pass
    except EndedError:
        raise UnreadableError("archive", "fewer bytes than announced", "a whole zip file", "upload it again") from None
    return [entry for entry in entries if entry is not None and entry.path]


def _read_member(cursor: Cursor, member: Member, end: int, findings: Findings, sink: Sink | None) -> Entry | None:
    _check_local(cursor, member, end)
    if member.path is None or member.method not in (STORED, DEFLATED) or member.flags & zip_directory.ENCRYPTED:
        cursor.skip(end - cursor.position)
        return None
    data_end = cursor.position + member.packed
    entry = _read_data(cursor, member, findings, sink)
    cursor.skip(data_end - cursor.position)
    _check_descriptor(cursor.take(end - data_end), member, findings)
    return entry


def _check_local(cursor: Cursor, member: Member, end: int) -> None:
    """Hold the local header against the central directory; sizes and CRC may be 0 if a descriptor follows."""
    # fmt: off
    (signature, _, flags, method, _, _, crc, packed, size, name_length,
     extra_length) = _LOCAL.unpack(cursor.take(LOCAL))
    # fmt: on
    if signature != _SIGNATURE:
        raise UnreadableError(shown(member.name), "no local header where one should be", "exact offsets")
    name, extra = cursor.take(name_length), cursor.take(extra_length)
    try:
        fields = zip_extra.parse(extra)
        zip_extra.check_unicode_path(fields, name)
        size, packed = zip_extra.widen(fields, size, packed)
    except zip_extra.MalformedError as error:
        raise UnreadableError(shown(member.name), str(error), "well-formed extra fields") from None
    local = (name, method, flags & _FLAGS)
    if local != (member.name, member.method, member.flags & _FLAGS):
        raise _differs(member)
    later = flags & DESCRIPTOR
    for value, wanted in ((crc, member.crc), (packed, member.packed), (size, member.size)):
        if value != wanted and not (later and value == 0):
            raise _differs(member)
    if cursor.position + member.packed > end:
        raise UnreadableError(shown(member.name), "overlaps what follows it", "entries one after the other")


def _differs(member: Member) -> UnreadableError:
    return UnreadableError(
        shown(member.name),
        "a local header that contradicts the central directory",
        "the same name, method, CRC and sizes in both",
    )


def _read_data(cursor: Cursor, member: Member, findings: Findings, sink: Sink | None) -> Entry | None:
    pieces = cursor.pieces(member.packed)
    data: Iterable[bytes | memoryview] = pieces if member.method == STORED else _inflate(pieces, member, findings)
    if member.kind == "symlink":
        raw = b"".join(data)
        return _link(member, raw, findings) if _sound(member, len(raw), zlib.crc32(raw), findings) else None
    file = member.kind == "file"
    tally = Tally(sink if file else None)
    if file and sink:
        sink.begin(member.path or "", member.size)
    crc = 0
    for piece in data:
        if tally.size + len(piece) > member.size:
            tally.size += len(piece)
            break
        crc = zlib.crc32(piece, crc)
        tally.write(bytes(piece))
    if file and sink:
        sink.end()
    if not _sound(member, tally.size, crc, findings):
        return None
    digest = tally.hexdigest() if file else None
    return Entry(path=member.path or "", kind=member.kind, mode=member.mode, size=tally.size, sha256=digest)


def _link(member: Member, raw: bytes, findings: Findings) -> Entry | None:
    target = link_target(member.path or "", raw, findings)
    if target is None:
        return None
    return Entry(path=member.path or "", kind="symlink", mode=0o777, size=0, target=target)


def _sound(member: Member, size: int, crc: int, findings: Findings) -> bool:
    if size != member.size:
        found = f"{'more' if size > member.size else 'fewer'} bytes than the {member.size} declared"
        findings.add(shown(member.name), found, "streams that end exactly at their declared size")
    elif crc != member.crc:
        findings.add(shown(member.name), "damaged: its CRC-32 does not match", "undamaged files")
    else:
        return True
    return False


def _inflate(pieces: Iterator[memoryview], member: Member, findings: Findings) -> Iterator[bytes]:
    """Inflate in bounded steps; the stream must end with its last compressed byte, RFC 1951."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            data: bytes | memoryview = piece
            while data or not inflater.eof:
                out = inflater.decompress(data, STEP)
                data = inflater.unconsumed_tail
                yield out
                if not data and len(out) < STEP:
                    break
            if inflater.unused_data:
                findings.add(shown(member.name), "data behind its compressed stream", "one stream an entry")
                return
    except zlib.error:
        findings.add(shown(member.name), "damaged: its compressed data is invalid", "undamaged files")
        return
    if not inflater.eof:
        findings.add(shown(member.name), "its compressed data is cut short", "whole files")


def _check_descriptor(data: bytes, member: Member, findings: Findings) -> None:
    """Check a data descriptor, 4.3.9: with or without its signature, with 32- or 64-bit sizes."""
    if not member.flags & DESCRIPTOR:
        if data:
            raise UnreadableError(shown(member.name), f"{len(data)} unaccounted bytes behind it", "no gaps")
        return
    forms = ("<III", "<IQQ") if member.packed <= zip_extra.FULL and member.size <= zip_extra.FULL else ("<IQQ",)
    plain = [struct.pack(form, member.crc, member.packed, member.size) for form in forms]
    if data not in (*plain, *(_DESCRIPTOR_SIGNATURE + form for form in plain)):
        findings.add(shown(member.name), "a data descriptor that is missing or wrong", "exact descriptors")
