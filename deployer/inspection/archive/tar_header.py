"""Pure: one 512-byte tar header, POSIX.1-2017 pax "ustar Interchange Format", and its GNU and star kin."""

import re
from typing import NamedTuple

from deployer.inspection.archive.findings import WHOLE, UnreadableError, shown

BLOCK = 512
ZEROS = bytes(BLOCK)
_OCTAL = re.compile(rb" *([0-7]*) *(?:\0.*)?", re.DOTALL)
_SIGN = 0x80
"""First byte of a positive binary number; read as signed, this byte and higher ones are negative."""
_BINARY = (_SIGN, 0xFF)
"""First bytes of binary numbers, positive and negative: times before 1970 are harmless."""
_METADATA = {"user": (108, 116), "group": (116, 124), "time": (136, 148), "device": (329, 337), "minor": (337, 345)}
_USUAL = re.compile(rb"[0-7]{7}\0[0-7]{7}\0[0-7]{11}[\0 ][0-7]{11}[\0 ]")
"""User, group, size and time as nearly every tool writes them: one match instead of five."""
_NO_DEVICE = (bytes(16), b"0000000\0" * 2, b"000000 \0" * 2)
_BLANK_CHECKSUM = 8 * ord(" ")
_STAR_PREFIX = 131
"""Bytes of prefix in a star header: access and change time follow it."""


class Header(NamedTuple):
    """One member's header; pax records and GNU long names may replace name, link and size."""

    name: bytes
    link: bytes
    mode: int
    size: int
    type: bytes


def parse(block: bytes) -> Header:
    """Return the header's fields, or stop reading: after an invalid header every boundary is a guess."""
    name = _string(block[0:100])
    _check_sum(block, name)
    _check_metadata(block, name)
    return Header(
        name=_prefix(block, name) + name,
        link=_string(block[157:257]),
        mode=_number(block[100:108], name, "mode"),
        size=_number(block[124:136], name, "size"),
        type=block[156:157],
    )


def _check_sum(block: bytes, name: bytes) -> None:
    """Compare the sum of all bytes, with the checksum itself as blanks; some old tools summed signed bytes."""
    wanted = _number(block[148:156], name, "checksum")
    unsigned = sum(block) - sum(block[148:156]) + _BLANK_CHECKSUM
    if wanted != unsigned and wanted != unsigned - _signed_difference(block):
        raise _bad(name, "a header whose checksum does not match: not a tar, or damaged")


def _check_metadata(block: bytes, name: bytes) -> None:
    """Check numbers that are not used here, because at an invalid one tarfile ends the archive."""
    if _USUAL.fullmatch(block, 108, 148) and block[329:345] in _NO_DEVICE:
        return
    for what, (start, end) in _METADATA.items():
        if block[start] not in _BINARY:
            _number(block[start:end], name, what)


def _signed_difference(block: bytes) -> int:
    return 256 * sum(byte >= _SIGN for byte in block[:148] + block[156:])


def _bad(name: bytes, found: str) -> UnreadableError:
    return UnreadableError(shown(name) or WHOLE, found, "sound headers: ustar, pax, GNU, star or v7")


def _string(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, name: bytes, what: str) -> int:
    """Return an octal number that ends at a NUL or with the field, or a binary one (GNU's base-256)."""
    if field[0] == _SIGN:
        return int.from_bytes(field[1:], "big")
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise _bad(name, f"a header with a {what} that is not a number")
    return int(match[1] or b"0", 8)


def _prefix(block: bytes, name: bytes) -> bytes:
    """Return the prefix that ustar puts in front of the name.

    Star's field has times after the first 131 bytes. GNU's has them from the start, filled only by incremental dumps.
    A header from before POSIX has no such field, but some tools still read a prefix there.
    """
    prefix = _string(block[345:500])
    if block[257:262] == b"ustar" and block[262:263] != b" ":
        if block[508:512] == b"tar\0":
            prefix = _string(block[345 : 345 + _STAR_PREFIX])
        if prefix and not name:
            raise _bad(name, "a prefix without a name")
        return prefix + b"/" if prefix else b""
    if prefix:
        raise _bad(name, "a name prefix in a header that has none")
    return b""
