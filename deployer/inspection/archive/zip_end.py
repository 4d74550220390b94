"""The end records of a zip, which locate its central directory: APPNOTE 6.3.10 sections 4.3.14 to 4.3.16.

Tools search for the end record in different ways. So there must be only one candidate, which ends the file. A zip64
end record must be at the one position that both its locator and the layout give.
"""

import struct
from dataclasses import dataclass

from deployer.inspection.archive.findings import WHOLE, UnreadableError
from deployer.inspection.archive.source import Source

END = b"PK\x05\x06"
END64 = b"PK\x06\x06"
LOCATOR = b"PK\x06\x07"
_END = struct.Struct("<4sHHHHIIH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_COMMENT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Directory:
    """Position of the central directory, and the number of its entries."""

    offset: int
    size: int
    count: int


def find(source: Source) -> Directory:
    """Read the end records through ranged reads of the archive's tail."""
    length = min(source.size, _END.size + _COMMENT + _LOCATOR.size + _END64.size)
    tail = source.read_at(source.size - length, length)
    at = _only_end(tail)
    base = source.size - length
    locator = at - _LOCATOR.size
    if locator >= 0 and tail[locator : locator + 4] == LOCATOR:
        directory, end = _zip64(tail, at, base)
    else:
        directory, end = _classic(tail, at), base + at
    if directory.offset + directory.size != end:
        raise UnreadableError(
            WHOLE,
            f"a central directory at {directory.offset} of {directory.size} bytes that ends before or behind {end}",
            "a central directory directly in front of its end record",
        )
    return directory


def _only_end(tail: bytes) -> int:
    """Return the position of the only end record in the tail."""
    last = tail.rfind(END)
    if last < 0 or len(tail) - last < _END.size:
        raise UnreadableError(WHOLE, "no end record: not a zip, or cut short", "a whole zip file")
    if not _ends_file(tail, last):
        raise UnreadableError(WHOLE, "data behind the zip's end record", "nothing behind the end record")
    at = tail.find(END)
    while at < last:
        if _ends_file(tail, at):
            raise UnreadableError(WHOLE, "two possible end-of-central-directory records", "one end record")
        at = tail.find(END, at + 1)
    return last


def _ends_file(tail: bytes, at: int) -> bool:
    length = len(tail) - at - _END.size
    return length >= 0 and int.from_bytes(tail[at + 20 : at + 22], "little") == length


def _classic(tail: bytes, at: int) -> Directory:
    _, disk, start, here, count, size, offset, _ = _END.unpack_from(tail, at)
    if disk or start or here != count:
        raise UnreadableError(WHOLE, "a part of a zip split over several disks", "one file", "join the parts first")
    return Directory(offset, size, count)


def _zip64(tail: bytes, at: int, base: int) -> tuple[Directory, int]:
    """Read the zip64 end record in front of its locator; the classic record must agree or defer to it."""
    _, locator_disk, offset64, disks = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
    start = at - _LOCATOR.size - _END64.size
    if start < 0 or tail[start : start + 4] != END64 or offset64 != base + start:
        raise UnreadableError(WHOLE, "a zip64 locator that does not point to the record before it", "exact offsets")
    _, length, _, _, disk, directory_disk, here, count, size, offset = _END64.unpack_from(tail, start)
    if length != _END64.size - 12:
        raise UnreadableError(WHOLE, "a zip64 end record with extra data", "a plain zip64 end record")
    if locator_disk or disks > 1 or disk or directory_disk or here != count:
        raise UnreadableError(WHOLE, "a part of a zip split over several disks", "one file", "join the parts first")
    wide = (disk, directory_disk, here, count, size, offset)
    full = (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    for value, wanted, sentinel in zip(_END.unpack_from(tail, at)[1:7], wide, full, strict=True):
        if value not in (wanted, sentinel):
            raise UnreadableError(WHOLE, "two end records that contradict each other", "records that agree")
    return Directory(offset, size, count), base + start
