"""Pure: extra fields of a zip, APPNOTE 6.3.10 section 4.5, and their effect on an entry.

Two of them can: 0x0001 (zip64 sizes, 4.5.3) and 0x7075 (a second name, 4.6.9). Everything else is
metadata that Dropshift does not use.
"""

import struct

ZIP64 = 0x0001
UNICODE_PATH = 0x7075
AES = 0x9901
_HEAD = 4
_DISK = 4
_CENTRAL = 3
"""Number of values that the central directory may widen: both sizes and the offset."""
FULL = 0xFFFFFFFF
"""Content of a 32-bit field whose value is in the zip64 extra field."""
FULL_DISK = 0xFFFF
"""The same for the disk's number, whose value comes last and has 4 bytes."""


class MalformedError(Exception):
    """The extra field breaks a rule; the text is what was found."""


def parse(extra: bytes) -> dict[int, bytes]:
    """Return the fields by their id; each may occur once if it can change the entry."""
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        if len(extra) - at < _HEAD:
            raise MalformedError(f"{len(extra) - at} surplus bytes behind the extra fields")
        tag, length = struct.unpack_from("<HH", extra, at)
        at += _HEAD
        if len(extra) - at < length:
            raise MalformedError("an extra field longer than the space for extra fields")
        if tag in fields and tag in (ZIP64, UNICODE_PATH, AES):
            raise MalformedError(f"the extra field 0x{tag:04x} twice")
        fields[tag] = extra[at : at + length]
        at += length
    return fields


def check_unicode_path(fields: dict[int, bytes], name: bytes) -> None:
    """Refuse a second name that differs from the first, because tools disagree on which of them counts."""
    data = fields.get(UNICODE_PATH)
    if data is not None and (data[:1] != b"\x01" or data[5:] != name):
        raise MalformedError("a Unicode path extra field that differs from the name")


def disk(fields: dict[int, bytes], value: int) -> int:
    """Return the number of the disk that an entry lies on, and take it out of the zip64 field if it is there."""
    data = fields.get(ZIP64, b"")
    if value != FULL_DISK or len(data) % 8 != _DISK:
        return value
    fields[ZIP64] = data[:-_DISK]
    return int.from_bytes(data[-_DISK:], "little")


def widen(fields: dict[int, bytes], *values: int) -> tuple[int, ...]:
    """Return unpacked size, compressed size and, in the central directory, offset, with zip64 applied.

    The zip64 field holds, in this order, the values whose 32-bit field is full. Some tools add values that the
    directory does not need. Then both ways to read the field must have the same result.
    """
    data = fields.get(ZIP64)
    if data is None:
        if FULL in values:
            raise MalformedError("a size or offset of 0xffffffff without a zip64 extra field")
        return values
    wanted = [index for index, value in enumerate(values) if value == FULL]
    if len(data) < 8 * len(wanted):
        raise MalformedError("a zip64 extra field that is too short")
    widened = list(values)
    for position, index in enumerate(wanted):
        widened[index] = _quad(data, position)
    if len(data) > 8 * len(wanted):
        _check_surplus(data, widened)
    return tuple(widened)


def _check_surplus(data: bytes, values: list[int]) -> None:
    """Check that the first values are there in full, and behind the offset at most the disk number 0."""
    quads = min(len(data) // 8, len(values))
    agreed = [_quad(data, position) for position in range(quads)] == values[:quads]
    rest = data[8 * quads :]
    if not agreed or rest not in ((b"", bytes(_DISK)) if quads == _CENTRAL else (b"",)):
        raise MalformedError("a zip64 extra field that contradicts the header")


def _quad(data: bytes, position: int) -> int:
    return int(struct.unpack_from("<Q", data, 8 * position)[0])
