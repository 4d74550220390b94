"""ELF files and their requirements of a machine. Sources: System V ABI, gABI chapters 4 and 5; LSB 10.7.

Only the parts that the loader reads are read: header, program headers, dynamic section, version needs.
Every count and offset is checked against the file before it is used.
"""

import io
import re
import struct
from typing import NamedTuple, Protocol

MAGIC = b"\x7fELF"
_PART, _PARTS = 16 * 2**20, 6
"""The most bytes of a segment, and the most segments, that are kept; names come early in a segment."""
_MACHINES = {62: "x86_64", 183: "arm64", 21: "ppc64le", 243: "riscv"}
_SMALL_MACHINES = {3: "i386", 40: "arm (32 bit)", 22: "s390x"}
_HEADER, _PROGRAM = 64, 56
_64_BIT_LITTLE_ENDIAN = b"\2\1"
_EXECUTABLE_FILE = 2
_LOAD, _DYNAMIC, _INTERPRETER, _CODE = 1, 2, 3, 1
_NEEDED, _STRTAB, _STRSZ, _FLAGS_1, _VERNEED, _VERNEEDNUM = 1, 5, 10, 0x6FFFFFFB, 0x6FFFFFFE, 0x6FFFFFFF
_POSITION_INDEPENDENT_PROGRAM = 0x08000000
_MOST = 16 * 2**20
"""The most bytes of one table that are read."""
_NEEDS = 200
"""The most libraries, and versions of each, that are read; glibc itself has fewer."""
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")
_ABI = {b"GLIBC_ABI_DT_RELR": (2, 36), b"GLIBC_ABI_GNU2_TLS": (2, 42)}
"""Requirements of the loader itself, and the first version of glibc that meets them."""
_WEAK = 2
"""Flag of an optional version need: all symbols of that version are weak."""


class Readable(Protocol):
    """An open file, or an excerpt of one, which returns fewer bytes where it has none."""

    def seek(self, offset: int, /) -> object:
        """Go to an offset."""

    def read(self, length: int, /) -> bytes:
        """Read so many bytes, fewer at the end."""


class Elf(NamedTuple):
    """The requirements and exports of one ELF file."""

    machine: str
    whole: bool
    """True if all its bytes are there."""
    program: bool = False
    """True for a program, False for a library."""
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    """Libraries."""
    glibc: tuple[int, int] | None = None
    """The newest glibc symbol version it needs."""
    python_module: str | None = None
    """The name of the extension module, if it exports a PyInit_ function."""

    @property
    def musl(self) -> bool:
        """Return whether it is linked against musl, as on Alpine; outside Alpine musl's libc is called libc.so."""
        return "musl" in (self.interpreter or "") or any(name == "libc.so" or "musl" in name for name in self.needed)


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int
    code: bool


class _BrokenError(Exception):
    """An offset or count is outside the file."""


class _NotKeptError(Exception):
    """The file has these bytes, but the excerpt does not."""


class _File(NamedTuple):
    file: Readable
    size: int

    def exactly(self, offset: int, length: int) -> bytes:
        if offset + length > self.size:
            raise _BrokenError
        self.file.seek(offset)
        data = self.file.read(length) if length <= _MOST else b""
        if len(data) < length:
            raise _NotKeptError
        return data


def parse(file: Readable, size: int) -> Elf:
    """Read an ELF file of `size` bytes, without the parts that an excerpt has not kept."""
    read = _File(file, size)
    if size < _HEADER:
        return Elf("no machine", whole=False)
    head = read.exactly(0, _HEADER)
    kind, machine = struct.unpack_from("<HH", head, 16)
    if head[4:6] != _64_BIT_LITTLE_ENDIAN:
        return Elf(_SMALL_MACHINES.get(machine, "a 32-bit or big-endian machine"), whole=True)
    elf = Elf(_MACHINES.get(machine, f"machine {machine}"), whole=True, program=kind == _EXECUTABLE_FILE)
    try:
        segments = _segments(read, head)
        elf = elf._replace(whole=_end(head, segments) <= size)
        return _linked(read, elf, segments)
    except _BrokenError:
        return elf._replace(whole=False)
    except _NotKeptError:
        return elf


def parts(head: bytes, size: int) -> list[tuple[int, int]]:
    """Return the offsets, from and to, that `parse` may read, by the program headers in a file's first bytes.

    Names and version needs lie in the first segment, or in one without code: patchelf adds such a segment at the end.
    """
    try:
        segments = _segments(_File(io.BytesIO(head), size), head) if len(head) >= _HEADER else []
    except (_BrokenError, _NotKeptError):
        return []
    small = [segment for segment in segments if segment.kind in (_DYNAMIC, _INTERPRETER)]
    loaded = [segment for segment in segments if segment.kind == _LOAD]
    named = [segment for segment in loaded if segment is loaded[0] or not segment.code]
    return [(s.offset, s.offset + min(s.size, _PART)) for s in (*small[:2], *named[: _PARTS - 1], *named[-1:])]


def _segments(read: _File, head: bytes) -> list[_Segment]:
    offset, (size, count) = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<HH", head, 54)
    if count and size < _PROGRAM:
        raise _BrokenError
    table = read.exactly(offset, size * count)
    rows = (struct.unpack_from("<IIQQQQQQ", table, size * index) for index in range(count))
    return [_Segment(row[0], row[2], row[3], row[5], bool(row[1] & _CODE)) for row in rows]


def _end(head: bytes, segments: list[_Segment]) -> int:
    """Return the size according to header and program headers."""
    sections, (size, count) = struct.unpack_from("<Q", head, 40)[0], struct.unpack_from("<HH", head, 58)
    ends = [segment.offset + segment.size for segment in segments if segment.kind == _LOAD]
    return max([*ends, int(sections + size * count)])


def _linked(read: _File, elf: Elf, segments: list[_Segment]) -> Elf:
    """Add the contents of interpreter and dynamic section, if they are there."""
    interpreter = next((s for s in segments if s.kind == _INTERPRETER), None)
    if interpreter:
        path = read.exactly(interpreter.offset, interpreter.size).rstrip(b"\0").decode("utf-8", "replace")
        elf = elf._replace(interpreter=path, program=True)
    dynamic = next((s for s in segments if s.kind == _DYNAMIC), None)
    if dynamic is None:
        return elf
    table = read.exactly(dynamic.offset, dynamic.size - dynamic.size % 16)
    pairs = list(struct.iter_unpack("<QQ", table))
    tags = dict(reversed(pairs))
    elf = elf._replace(program=elf.program or bool(tags.get(_FLAGS_1, 0) & _POSITION_INDEPENDENT_PROGRAM))
    try:
        return _named(read, elf, segments, pairs)
    except _NotKeptError:
        return elf


def _named(read: _File, elf: Elf, segments: list[_Segment], pairs: list[tuple[int, int]]) -> Elf:
    """Add libraries, versions and the module's name."""
    tags = dict(reversed(pairs))
    strings = read.exactly(_offset(segments, tags.get(_STRTAB, 0)), tags.get(_STRSZ, 0))
    needed = tuple(_string(strings, value).decode("utf-8", "replace") for tag, value in pairs if tag == _NEEDED)
    versions = _versions(read, segments, tags, strings)
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


def _versions(read: _File, segments: list[_Segment], tags: dict[int, int], strings: bytes) -> list[tuple[int, int]]:
    """Return the glibc versions of the version needs: a list per library, each a list of versions."""
    if _VERNEED not in tags:
        return []
    at, found = _offset(segments, tags[_VERNEED]), []
    for _ in range(min(tags.get(_VERNEEDNUM, 0), _NEEDS)):
        _, count, _, first, following = struct.unpack("<HHIII", read.exactly(at, 16))
        entry = at + first
        for _ in range(min(count, _NEEDS)):
            _, flags, _, name, step = struct.unpack("<IHHII", read.exactly(entry, 16))
            version = _glibc(_string(strings, name))
            if version and not flags & _WEAK:
                found.append(version)
            entry += step
        at += following
    return found


def _glibc(need: bytes) -> tuple[int, int] | None:
    match = _GLIBC.match(need)
    return (int(match[1]), int(match[2])) if match else _ABI.get(need)
