"""ELF files: what they need of the machine they run on. Sources: System V ABI, gABI chapters 4 and 5; LSB 10.7.

Only what the loader itself reads is read: header, program headers, dynamic section, version needs. Every
count and offset is checked against the file before it is used.
"""

import re
import struct
from typing import NamedTuple, Protocol

MAGIC = b"\x7fELF"
_MACHINES = {3: "i386", 40: "arm (32 bit)", 62: "x86_64", 183: "arm64", 22: "s390x", 21: "ppc64le", 243: "riscv"}
_HEADER, _PROGRAM = 64, 56
_64_BIT_LITTLE_ENDIAN = b"\2\1"
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3
_NEEDED, _STRTAB, _STRSZ, _VERNEED, _VERNEEDNUM = 1, 5, 10, 0x6FFFFFFE, 0x6FFFFFFF
_MOST = 16 * 2**20
"""Bytes of one table that are read: the largest string tables of real libraries have a few MB."""
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")
_ABI = {b"GLIBC_ABI_DT_RELR": (2, 36), b"GLIBC_ABI_GNU2_TLS": (2, 42)}
"""Needs of the loader itself, and the version of glibc that first met them."""
_WEAK = 2
"""Flag of a version need that may be left unmet: all symbols of that version are weak."""


class Readable(Protocol):
    """What is read: an open file, or a part of one."""

    def seek(self, offset: int, /) -> object:
        """Go to an offset."""

    def read(self, length: int, /) -> bytes:
        """Read so many bytes, fewer only at the end."""


class Elf(NamedTuple):
    """What one ELF file needs and offers."""

    machine: str
    whole: bool
    """All its bytes are there."""
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    """Libraries."""
    glibc: tuple[int, int] | None = None
    """The newest glibc symbol version it needs."""
    python_module: str | None = None
    """The extension module it is, if it offers a PyInit_ function."""

    @property
    def musl(self) -> bool:
        """Whether it is linked against musl, as on Alpine; outside of it, musl's libc goes by the name libc.so."""
        return "musl" in (self.interpreter or "") or any(name == "libc.so" or "musl" in name for name in self.needed)


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


class _BrokenError(Exception):
    """An offset or count leads out of the file."""


def parse(file: Readable, size: int) -> Elf:
    """Read an ELF file that starts at the file's position 0 and has `size` bytes."""
    head = _at(file, 0, _HEADER)
    if len(head) < _HEADER:
        return Elf("no machine", whole=False)
    if head[4:6] != _64_BIT_LITTLE_ENDIAN:
        return Elf(_MACHINES.get(struct.unpack_from("<H", head, 18)[0], "a 32-bit or big-endian machine"), whole=True)
    machine, program, sections = *struct.unpack_from("<H", head, 18), *struct.unpack_from("<QQ", head, 32)
    section_size, section_count = struct.unpack_from("<HH", head, 58)
    name = _MACHINES.get(machine, f"machine {machine}")
    try:
        segments = _segments(file, program, *struct.unpack_from("<HH", head, 54))
        ends = [segment.offset + segment.size for segment in segments if segment.kind == _LOAD]
        whole = max([*ends, sections + section_size * section_count]) <= size
        return _linked(file, Elf(name, whole), segments)
    except _BrokenError:
        return Elf(name, whole=False)


def _at(file: Readable, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _exactly(file: Readable, offset: int, length: int) -> bytes:
    if length > _MOST:
        raise _BrokenError
    data = _at(file, offset, length)
    if len(data) < length:
        raise _BrokenError
    return data


def _segments(file: Readable, offset: int, size: int, count: int) -> list[_Segment]:
    if count and size < _PROGRAM:
        raise _BrokenError
    table = _exactly(file, offset, size * count)
    rows = (struct.unpack_from("<IIQQQQQQ", table, size * index) for index in range(count))
    return [_Segment(kind, at, address, length) for kind, _, at, address, _, length, _, _ in rows]


def _linked(file: Readable, elf: Elf, segments: list[_Segment]) -> Elf:
    """Add what the dynamic section says, if there is one."""
    interpreter = next((s for s in segments if s.kind == _INTERPRETER), None)
    if interpreter:
        path = _exactly(file, interpreter.offset, interpreter.size).rstrip(b"\0").decode("utf-8", "replace")
        elf = elf._replace(interpreter=path)
    dynamic = next((s for s in segments if s.kind == _DYNAMIC), None)
    if dynamic is None:
        return elf
    table = _exactly(file, dynamic.offset, dynamic.size - dynamic.size % 16)
    pairs = list(struct.iter_unpack("<QQ", table))
    told = dict(reversed(pairs))
    strings = _exactly(file, _offset(segments, told.get(_STRTAB, 0)), told.get(_STRSZ, 0))
    needed = tuple(_string(strings, value).decode("utf-8", "replace") for tag, value in pairs if tag == _NEEDED)
    versions = _versions(file, segments, told, strings)
    init = re.search(rb"\0PyInit_([A-Za-z0-9_]+)\0", strings)
    module = init[1].decode() if init else None
    return elf._replace(needed=needed, glibc=max(versions, default=None), python_module=module)


def _offset(segments: list[_Segment], address: int) -> int:
    for segment in segments:
        if segment.kind == _LOAD and segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    raise _BrokenError


def _string(strings: bytes, at: int) -> bytes:
    return strings[at : strings.find(b"\0", at)] if at < len(strings) else b""


def _versions(file: Readable, segments: list[_Segment], told: dict[int, int], strings: bytes) -> list[tuple[int, int]]:
    """Return the glibc versions of the version needs: a list per library, each a list of versions."""
    if _VERNEED not in told:
        return []
    at, found = _offset(segments, told[_VERNEED]), []
    for _ in range(min(told.get(_VERNEEDNUM, 0), 1_000)):
        _, count, _, first, following = struct.unpack("<HHIII", _exactly(file, at, 16))
        entry = at + first
        for _ in range(count):
            _, flags, _, name, step = struct.unpack("<IHHII", _exactly(file, entry, 16))
            version = _glibc(_string(strings, name))
            if version and not flags & _WEAK:
                found.append(version)
            entry += step
        at += following
    return found


def _glibc(need: bytes) -> tuple[int, int] | None:
    match = _GLIBC.match(need)
    return (int(match[1]), int(match[2])) if match else _ABI.get(need)
