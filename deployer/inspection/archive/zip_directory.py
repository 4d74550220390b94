"""A zip's central directory, APPNOTE 6.3.10 section 4.3.12: the archive's own list of its entries.

It is read first, through ranged reads, and bounded: a multi-gigabyte zip is refused for a bad name after a few hundred
kilobytes.
"""

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from deployer.inspection.archive import zip_extra
from deployer.inspection.archive.contents import Limits
from deployer.inspection.archive.findings import REPACK, WHOLE, Findings, UnreadableError, shown
from deployer.inspection.archive.names import PATH, clean
from deployer.inspection.archive.source import PIECE, Cursor, Source, TruncatedError
from deployer.inspection.archive.zip_end import Directory
from deployer.model.entry import EntryKind

SIGNATURE = b"PK\x01\x02"
LOCAL = 30
"""Bytes of a local header without name and extra fields, 4.3.7."""
STORED, DEFLATED, AES = 0, 8, 99
ENCRYPTED = 0x0001 | 0x0040 | 0x2000
"""General purpose bits 0, 6 and 13, section 4.4.4: encryption, strong encryption, masked headers."""
PATCHED = 0x0020
DESCRIPTOR = 0x0008

_HEADER = struct.Struct("<4sBBHHHHHIIIHHHHHII")
_METHODS = {
    1: "shrink", 6: "implode", 9: "deflate64", 12: "bzip2", 14: "LZMA", 20: "zstd", 93: "zstd", 95: "xz", 98: "PPMd",
}  # fmt: skip


class Member(NamedTuple):
    """One entry of the central directory; the path is None if its name is not acceptable."""

    name: bytes
    path: str | None
    kind: EntryKind
    mode: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def read(source: Source, directory: Directory, limits: Limits, findings: Findings) -> list[Member]:
    """Return the entries in the order of their bytes; stop if the layout is not exact."""
    if directory.count > limits.entries:
        raise UnreadableError(WHOLE, f"{directory.count} entries", f"at most {limits.entries}", "pack fewer files")
    if directory.size > limits.directory:
        found = f"a central directory of {directory.size} bytes"
        raise UnreadableError(WHOLE, found, f"at most {limits.directory} bytes", "shorten names")
    cursor = Cursor(_ranges(source, directory))
    try:
        members = [_member(cursor, findings) for _ in range(directory.count)]
    except TruncatedError:
        raise UnreadableError(WHOLE, "a central directory that is cut short", "all the entries it counts") from None
    if cursor.position != directory.size:
        raise UnreadableError(WHOLE, "data behind the entries of the central directory", "an exact count")
    members.sort(key=lambda member: member.offset)
    _check_layout(members, directory, limits)
    _check_sizes(members, limits)
    return members


def _ranges(source: Source, directory: Directory) -> Iterator[bytes]:
    end = directory.offset + directory.size
    for offset in range(directory.offset, end, 4 * PIECE):
        yield source.read_at(offset, min(4 * PIECE, end - offset))


def _member(cursor: Cursor, findings: Findings) -> Member:
    # fmt: off
    (signature, _, host, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment_length,
     disk, _, attributes, offset) = _HEADER.unpack(cursor.take(_HEADER.size))
    # fmt: on
    if signature != SIGNATURE:
        raise UnreadableError(WHOLE, "other data between the entries of the central directory", "an exact count")
    name, extra = cursor.take(name_length), cursor.take(extra_length)
    cursor.skip(comment_length)
    try:
        fields = zip_extra.parse(extra)
        zip_extra.check_unicode_path(fields, name)
        disk = zip_extra.disk(fields, disk)
        size, packed, offset = zip_extra.widen(fields, size, packed, offset)
    except zip_extra.MalformedError as error:
        raise UnreadableError(shown(name), str(error), "well-formed extra fields") from None
    if disk:
        raise UnreadableError(shown(name), "an entry on another disk", "one file", "join the parts first")
    _check_method(name, flags, method, findings)
    path, kind, mode = _node(name, size, host, attributes, findings)
    return Member(name, path, kind, mode, flags, method, crc, packed, size, offset)


def _check_method(name: bytes, flags: int, method: int, findings: Findings) -> None:
    if flags & ENCRYPTED or method == AES:
        findings.add(shown(name), "encrypted", "plain entries", "pack it without a password")
    elif method not in (STORED, DEFLATED):
        found = f"compressed by {_METHODS.get(method, f'method {method}')}"
        findings.add(shown(name), found, "stored or deflated entries", "pack it with the default compression")
    if flags & PATCHED:
        findings.add(shown(name), "patched data", "whole files")


_TYPES: dict[int, EntryKind] = {0o10: "file", 0o4: "directory", 0o12: "symlink"}
_DOS_DIRECTORY = 0x10
_DOS, _UNIX_HOSTS = 0, (3, 19)


def _node(name: bytes, size: int, host: int, attributes: int, findings: Findings) -> tuple[str | None, EntryKind, int]:
    """Return path, kind and mode, from the name's trailing '/' and the Unix mode, which must agree.

    The mode is in the upper half of the external attributes (4.4.15). zipfile and 7-Zip fill it on other systems too,
    so it counts there if it is plausible; but only Unix entries can be links.
    """
    if not name:
        findings.add(WHOLE, "an entry without a name", "a name for every entry")
        return None, "file", 0
    slash = name.endswith(b"/")
    mode = attributes >> 16
    if mode >> 12 not in _TYPES and host not in _UNIX_HOSTS:
        mode = 0
    kind: EntryKind | None = _TYPES.get(mode >> 12) if mode >> 12 else ("directory" if slash else "file")
    if kind == "file" and host == _DOS and attributes & _DOS_DIRECTORY:
        kind = "directory"
    path = clean(name[:-1] if slash else name, findings)
    if kind is None:
        findings.add(shown(name), "a device, FIFO or socket", "files, directories and links", "leave it out")
    elif slash != (kind == "directory") or (path == "" and not slash):
        findings.add(
            shown(name), f"a {kind} by its attributes, but not by its name", "a trailing '/' on directories only"
        )
    elif kind == "symlink" and host not in _UNIX_HOSTS:
        findings.add(shown(name), "a symbolic link in an entry that is not from Unix", "links written on Unix")
    elif kind == "directory" and size:
        findings.add(shown(name), "a directory with data", "empty directories")
    elif kind == "symlink" and size > PATH:
        findings.add(shown(name), "a symbolic link with a target that is too long", f"at most {PATH} bytes")
    else:
        return path, kind, 0o755 if mode & 0o111 or kind == "directory" else 0o644
    return None, "file", 0


def _check_layout(members: list[Member], directory: Directory, limits: Limits) -> None:
    """Check that the entries start at 0 and cannot overlap; gaps are found when they are read."""
    if not members:
        raise UnreadableError(WHOLE, "an archive without entries", "at least one file", "pack the release's files")
    if members[0].offset:
        raise UnreadableError(
            WHOLE, f"{members[0].offset} bytes in front of the first entry", "a zip whose first entry is at byte 0"
        )
    ends = [*(member.offset for member in members[1:]), directory.offset]
    for member, end in zip(members, ends, strict=True):
        if member.offset + LOCAL + len(member.name) + member.packed > end:
            raise UnreadableError(
                shown(member.name),
                "overlaps the next entry or the central directory",
                "entries one after the other",
                REPACK,
            )
    between = directory.offset - sum(LOCAL + len(member.name) + member.packed for member in members)
    if between > limits.directory:
        found, allowed = f"{between} bytes of extra fields in front of the files", f"at most {limits.directory}"
        raise UnreadableError(WHOLE, found, allowed, "pack it without extended attributes")


def _check_sizes(members: list[Member], limits: Limits) -> None:
    total = sum(member.size for member in members)
    if total > limits.unpacked:
        raise UnreadableError(
            WHOLE, f"{total} bytes when unpacked", f"at most {limits.unpacked} bytes", "make the release smaller"
        )
    for member, follower in pairwise(members):
        if member.offset == follower.offset:
            raise UnreadableError(shown(follower.name), "shares its bytes with another entry", "its own bytes")
