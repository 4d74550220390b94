"""ELF files up to their segments: bytes, header and program headers. Sources: System V ABI, gABI chapters 4 and 5.

Every count and offset is checked against the file before it is used.
"""

import io
import struct
from typing import NamedTuple, Protocol

MAGIC = b"\x7fELF"
HEADER = 64
"""Bytes of the header."""
LOAD, DYNAMIC, INTERPRETER = 1, 2, 3
"""Kinds of segments."""
_CODE = 1
_PROGRAM = 56
"""Bytes of a program header."""
_PART, _PARTS = 16 * 2**20, 6
"""The most bytes of a segment, and the most segments, that are kept; names come early in a segment."""
_MOST = 16 * 2**20
"""The most bytes of one table that are read."""


class Readable(Protocol):
    """An open file, or an excerpt of one, which returns fewer bytes where it has none."""

    def seek(self, offset: int, /) -> object:
        """Go to an offset."""

    def read(self, length: int, /) -> bytes:
        """Read so many bytes, fewer at the end."""


class Segment(NamedTuple):
    """A program header: a span of the file, and where it is in memory."""

    kind: int
    offset: int
    address: int
    size: int
    code: bool


class BrokenError(Exception):
    """An offset or count is outside the file."""


class NotKeptError(Exception):
    """The file has these bytes, but the excerpt does not."""


class ElfFile(NamedTuple):
    """An ELF file and its size, of which an excerpt may hold a part."""

    file: Readable
    size: int

    def exactly(self, offset: int, length: int) -> bytes:
        """Return so many bytes; raise if the file or the excerpt has fewer."""
        if offset + length > self.size:
            raise BrokenError
        self.file.seek(offset)
        data = self.file.read(length) if length <= _MOST else b""
        if len(data) < length:
            raise NotKeptError
        return data


def segments_of(read: ElfFile, head: bytes) -> list[Segment]:
    """Return the segments that the header lists."""
    offset, (size, count) = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<HH", head, 54)
    if count and size < _PROGRAM:
        raise BrokenError
    table = read.exactly(offset, size * count)
    rows = (struct.unpack_from("<IIQQQQQQ", table, size * index) for index in range(count))
    return [Segment(row[0], row[2], row[3], row[5], bool(row[1] & _CODE)) for row in rows]


def announced_size(head: bytes, segments: list[Segment]) -> int:
    """Return the size according to header and program headers."""
    sections, (size, count) = struct.unpack_from("<Q", head, 40)[0], struct.unpack_from("<HH", head, 58)
    ends = [segment.offset + segment.size for segment in segments if segment.kind == LOAD]
    return max([*ends, int(sections + size * count)])


def offset_of(segments: list[Segment], address: int) -> int:
    """Return the offset in the file of an address in memory."""
    for segment in segments:
        if segment.kind == LOAD and segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    raise BrokenError


def parts_to_keep(head: bytes, size: int) -> list[tuple[int, int]]:
    """Return the offsets, from and to, that `elf.parse` may read, by the program headers in a file's first bytes.

    Names and version needs lie in the first segment, or in one without code: patchelf adds such a segment at the end.
    """
    try:
        segments = segments_of(ElfFile(io.BytesIO(head), size), head) if len(head) >= HEADER else []
    except (BrokenError, NotKeptError):
        return []
    small = [segment for segment in segments if segment.kind in (DYNAMIC, INTERPRETER)]
    loaded = [segment for segment in segments if segment.kind == LOAD]
    named = [segment for segment in loaded if segment is loaded[0] or not segment.code]
    return [(s.offset, s.offset + min(s.size, _PART)) for s in (*small[:2], *named[: _PARTS - 1], *named[-1:])]
