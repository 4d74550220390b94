"""ELF files and their requirements of a machine. Sources: System V ABI, gABI chapters 4 and 5; LSB 10.7.

Only the parts that the loader reads are read: header, program headers, dynamic section, version needs.
"""

import re
import struct
from typing import NamedTuple

from deployer.inspection.compatibility.elf_segments import (
    DYNAMIC,
    HEADER,
    INTERPRETER,
    BrokenError,
    ElfFile,
    NotKeptError,
    Readable,
    Segment,
    announced_size,
    offset_of,
    segments_of,
)

_MACHINES = {62: "x86_64", 183: "arm64", 21: "ppc64le", 243: "riscv"}
_SMALL_MACHINES = {3: "i386", 40: "arm (32 bit)", 22: "s390x"}
_64_BIT_LITTLE_ENDIAN = b"\2\1"
_EXECUTABLE_FILE = 2
_NEEDED, _STRTAB, _STRSZ, _FLAGS_1, _VERNEED, _VERNEEDNUM = 1, 5, 10, 0x6FFFFFFB, 0x6FFFFFFE, 0x6FFFFFFF
_POSITION_INDEPENDENT_PROGRAM = 0x08000000
_NEEDS = 200
"""The most libraries, and versions of each, that are read; glibc itself has fewer."""
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")
_ABI = {b"GLIBC_ABI_DT_RELR": (2, 36), b"GLIBC_ABI_GNU2_TLS": (2, 42)}
"""Requirements of the loader itself, and the first version of glibc that meets them."""
_WEAK = 2
"""Flag of an optional version need: all symbols of that version are weak."""


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


def parse(file: Readable, size: int) -> Elf:
    """Read an ELF file of `size` bytes, without the parts that an excerpt has not kept."""
    read = ElfFile(file, size)
    if size < HEADER:
        return Elf("no machine", whole=False)
    head = read.exactly(0, HEADER)
    kind, machine = struct.unpack_from("<HH", head, 16)
    if head[4:6] != _64_BIT_LITTLE_ENDIAN:
        return Elf(_SMALL_MACHINES.get(machine, "a 32-bit or big-endian machine"), whole=True)
    elf = Elf(_MACHINES.get(machine, f"machine {machine}"), whole=True, program=kind == _EXECUTABLE_FILE)
    try:
        segments = segments_of(read, head)
        elf = elf._replace(whole=announced_size(head, segments) <= size)
        return _linked(read, elf, segments)
    except BrokenError:
        return elf._replace(whole=False)
    except NotKeptError:
        return elf


def _linked(read: ElfFile, elf: Elf, segments: list[Segment]) -> Elf:
    """Add the contents of interpreter and dynamic section, if they are there."""
    interpreter = next((s for s in segments if s.kind == INTERPRETER), None)
    if interpreter:
        path = read.exactly(interpreter.offset, interpreter.size).rstrip(b"\0").decode("utf-8", "replace")
        elf = elf._replace(interpreter=path, program=True)
    dynamic = next((s for s in segments if s.kind == DYNAMIC), None)
    if dynamic is None:
        return elf
    table = read.exactly(dynamic.offset, dynamic.size - dynamic.size % 16)
    pairs = list(struct.iter_unpack("<QQ", table))
    tags = dict(reversed(pairs))
    elf = elf._replace(program=elf.program or bool(tags.get(_FLAGS_1, 0) & _POSITION_INDEPENDENT_PROGRAM))
    try:
        return _named(read, elf, segments, pairs)
    except NotKeptError:
        return elf


def _named(read: ElfFile, elf: Elf, segments: list[Segment], pairs: list[tuple[int, int]]) -> Elf:
    """Add libraries, versions and the module's name."""
    tags = dict(reversed(pairs))
    strings = read.exactly(offset_of(segments, tags.get(_STRTAB, 0)), tags.get(_STRSZ, 0))
    needed = tuple(_string(strings, value).decode("utf-8", "replace") for tag, value in pairs if tag == _NEEDED)
    versions = _versions(read, segments, tags, strings)
    init = re.search(rb"\0PyInit_([A-Za-z0-9_]+)\0", strings)
    module = init[1].decode() if init else None
    return elf._replace(needed=needed, glibc=max(versions, default=None), python_module=module)


def _string(strings: bytes, at: int) -> bytes:
    return strings[at : strings.find(b"\0", at)] if at < len(strings) else b""


def _versions(read: ElfFile, segments: list[Segment], tags: dict[int, int], strings: bytes) -> list[tuple[int, int]]:
    """Return the glibc versions of the version needs: a list per library, each a list of versions."""
    if _VERNEED not in tags:
        return []
    at, found = offset_of(segments, tags[_VERNEED]), []
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
