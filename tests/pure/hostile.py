r"""Archives made by hand, byte for byte: sound ones, and such as no tool would write.

zip_of(Member(b"app.py"), Member(b"run", mode=0o100755), comment=b"hello")
tar_of(member(b"app.py", b"x = 1\n"), member(b"link", type=b"2", link=b"app.py"))
"""

import gzip
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from deployer.inspection.archive import Contents, Limits, Refusal, read
from deployer.model.problem import Problem

DATA = b"def handler(event, context):\n    return event\n"
FULL = 0xFFFFFFFF
STREAMED = {"crc": 0, "packed": 0, "size": 0}
"""Fields of a local header whose values follow in a descriptor."""


class Memory:
    """An archive in memory, streamed in small pieces so that every boundary falls somewhere odd."""

    def __init__(self, name: str, data: bytes, piece: int = 1021) -> None:
        self.name, self.size, self._data, self._piece = name, len(data), data, piece

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def stream(self) -> Iterator[bytes]:
        for offset in range(0, self.size, self._piece):
            yield self._data[offset : offset + self._piece]


def accepted(name: str, data: bytes, limits: Limits | None = None) -> Contents:
    """Return what the reader finds in an archive that it has to accept."""
    found = read(Memory(name, data), limits or Limits(unpacked=2**24))
    assert isinstance(found, Contents), found
    return found


def refused(name: str, data: bytes, limits: Limits | None = None) -> tuple[Problem, ...]:
    """Return the problems of an archive that the reader has to refuse."""
    found = read(Memory(name, data), limits or Limits(unpacked=2**24))
    assert isinstance(found, Refusal), found
    return found.problems


@dataclass(frozen=True)
class Member:
    """One entry of a zip; `local` and `central` overrule single fields of the two headers."""

    name: bytes
    data: bytes = DATA
    mode: int = 0o100644
    method: int = 0
    flags: int = 0
    host: int = 3
    dos: int = 0
    extra: bytes = b""
    local_extra: bytes = b""
    packed: bytes | None = None
    descriptor: bytes = b""
    before: bytes = b""
    comment: bytes = b""
    needs: int = 20
    """The version needed to extract it."""
    local: Mapping[str, int | bytes] = field(default_factory=dict)
    central: Mapping[str, int] = field(default_factory=dict)

    def stream(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflate(self.data) if self.method == 8 else self.data


def deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(data) + deflater.flush()


def extra(tag: int, data: bytes) -> bytes:
    return struct.pack("<HH", tag, len(data)) + data


def zip64(*values: int) -> bytes:
    return extra(1, struct.pack(f"<{len(values)}Q", *values))


def unicode_path(raw: bytes, name: str, version: int = 1) -> bytes:
    return extra(0x7075, struct.pack("<BI", version, zlib.crc32(raw)) + name.encode())


def descriptor(data: bytes, packed: int | None = None, *, form: str = "<III", signed: bool = True) -> bytes:
    size = len(data)
    return b"PK\x07\x08" * signed + struct.pack(form, zlib.crc32(data), size if packed is None else packed, size)


def _fields(member: Member, offset: int, overrides: Mapping[str, int | bytes]) -> dict[str, int | bytes]:
    sums = {"crc": zlib.crc32(member.data), "packed": len(member.stream()), "size": len(member.data)}
    plain = {"flags": member.flags, "method": member.method, "disk": 0, "offset": offset}
    return {"name": member.name, **sums, **plain, **overrides}


def _local(member: Member) -> bytes:
    f = _fields(member, 0, member.local)
    name = bytes(f["name"]) if isinstance(f["name"], bytes) else b""
    head = struct.pack(
        "<4s5H3I", b"PK\x03\x04", member.needs, f["flags"], f["method"], 0, 33, f["crc"], f["packed"], f["size"]
    )
    lengths = struct.pack("<HH", len(name), len(member.local_extra))
    return head + lengths + name + member.local_extra + member.stream() + member.descriptor


def _central(member: Member, offset: int) -> bytes:
    f = _fields(member, offset, member.central)
    version = member.host << 8 | 20
    head = struct.pack("<4s6H", b"PK\x01\x02", version, member.needs, f["flags"], f["method"], 0, 33)
    sums = struct.pack("<3I", f["crc"], f["packed"], f["size"])
    lengths = struct.pack("<5H", len(member.name), len(member.extra), len(member.comment), f["disk"], 0)
    places = struct.pack("<2I", member.mode << 16 | member.dos, f["offset"])
    return head + sums + lengths + places + member.name + member.extra + member.comment


def zip_of(
    *members: Member,
    before_directory: bytes = b"",
    end: Mapping[str, int] | None = None,
    end64: Mapping[str, int] | None = None,
    comment: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Put a zip together; `end` and `end64` overrule fields of the end records, `end64` asks for one."""
    body, directory = b"", b""
    for member in members:
        body += member.before
        directory += _central(member, len(body))
        body += _local(member)
    body += before_directory
    values = {"disk": 0, "start": 0, "here": len(members), "count": len(members), "comment": len(comment)}
    values |= {"size": len(directory), "offset": len(body), "disks": 1}
    records = b"" if end64 is None else _end64(values | dict(end64), len(body) + len(directory))
    values |= dict(end or {})
    fields = ("disk", "start", "here", "count", "size", "offset", "comment")
    records += struct.pack("<4s4H2IH", b"PK\x05\x06", *(values[name] for name in fields))
    return body + directory + records + comment + after


def _end64(values: Mapping[str, int], at: int) -> bytes:
    sizes = (values.get("length", 44), 45, 45, values["disk"], values["start"])
    places = (values["here"], values["count"], values["size"], values["offset"])
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", *sizes, *places)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, values.get("locator", at), values["disks"])
    return record + locator


def member(  # noqa: PLR0913 - the fields of a tar header
    name: bytes,
    data: bytes = b"",
    *,
    type: bytes = b"0",  # noqa: A002 - the field's name in the standard
    link: bytes = b"",
    mode: bytes = b"0000644\0",
    user: bytes = b"0000000\0",
    size: bytes | None = None,
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    checksum: int = 0,
) -> bytes:
    """One entry of a tar: header, data and padding; `checksum` is how far it is off."""
    length = b"%011o\0" % len(data) if size is None else size
    head = name.ljust(100, b"\0") + mode + user + b"0000000\0" + length + b"00000000000\0"
    tail = type + link.ljust(100, b"\0") + magic + bytes(80) + prefix.ljust(155, b"\0") + bytes(12)
    total = sum(head) + sum(tail) + 8 * 32 + checksum
    return head + b"%06o\0 " % total + tail + data + bytes(-len(data) % 512)


def pax(*records: tuple[str, bytes], type: bytes = b"x") -> bytes:  # noqa: A002 - as above
    return member(b"pax", b"".join(record(key, value) for key, value in records), type=type)


def record(key: str, value: bytes) -> bytes:
    rest = b" " + key.encode() + b"=" + value + b"\n"
    length = len(rest) + len(str(len(rest)))
    return str(length + (len(str(length)) > len(str(len(rest))))).encode() + rest


def long_name(name: bytes, type: bytes = b"L") -> bytes:  # noqa: A002 - as above
    return member(b"././@LongLink", name + b"\0", type=type, magic=b"ustar  \0")


def tar_of(*parts: bytes, end: bytes = bytes(1024)) -> bytes:
    return b"".join(parts) + end


def tgz_of(*parts: bytes, end: bytes = bytes(1024)) -> bytes:
    return gzip.compress(tar_of(*parts, end=end), mtime=0)
