"""Archives that cost more to read than they are worth: every way to be large, or long, for nothing."""

import gzip
import struct
from collections.abc import Callable, Iterator

import pytest
from backports import zstd

from deployer.inspection.archive import Limits, Refusal, read
from tests.pure.hostile import DATA, Member, Memory, accepted, member, pax, refused, tar_of, tgz_of, zip_of

APP = member(b"app.py", DATA)
PILE = b"".join(pax(("comment", b"x" * 900), type=b"g") for _ in range(40))
PADDED = {
    "zeros behind the end marker": tar_of(APP, end=bytes(60_000)),
    "global headers": tar_of(PILE, APP),
    "directories": tar_of(APP, *(member(b"%d/" % number, type=b"5") for number in range(120))),
    "hard links, copies of a file": tar_of(member(b"a", bytes(9_000)), *[member(b"b", type=b"1", link=b"a")] * 9),
}


@pytest.mark.parametrize("data", PADDED.values(), ids=PADDED)
@pytest.mark.parametrize(
    ("name", "pack"), [("a.tar", bytes), ("a.tgz", gzip.compress), ("a.tar.zst", zstd.compress)], ids=lambda _: ""
)
def test_every_byte_out_of_a_decompressor_counts(data: bytes, name: str, pack: Callable[[bytes], bytes]) -> None:
    problem = str(refused(name, pack(data), Limits(unpacked=50_000))[0])
    assert "50000" in problem
    assert "when unpacked" in problem


def test_a_tar_as_large_as_allowed_is_read() -> None:
    data = tar_of(APP)
    assert accepted("a.tar", data, Limits(unpacked=len(data)))
    assert refused("a.tar", data, Limits(unpacked=len(data) - 1))


def test_pax_records_are_bounded_together() -> None:
    said = str(refused("a.tgz", tgz_of(PILE, APP), Limits(unpacked=2**24, directory=10_000)))
    assert "20000" in said
    assert "pax records" in said


class Counted(Memory):
    """An archive that counts the bytes it gave away."""

    given = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.given += length
        return super().read_at(offset, length)

    def stream(self) -> Iterator[bytes]:
        for piece in super().stream():
            self.given += len(piece)
            yield piece


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz", "a.tar.zst"])
def test_an_archive_that_is_larger_than_anything_it_may_unpack_to_is_refused_before_it_is_read(name: str) -> None:
    limits = Limits(unpacked=1_000, entries=2, directory=500)
    source = Counted(name, bytes(limits.archive + 1))
    refusal = read(source, limits)
    assert isinstance(refusal, Refusal)
    assert f"at most {limits.archive}" in str(refusal.problems[0])
    assert not source.given


EMPTY, SKIPPABLE = zstd.compress(b""), b"\x50\x2a\x4d\x18" + bytes(4)
FOR_NOTHING = {
    "empty zstd frames": ("a.tar.zst", EMPTY * 100_001, "frames"),
    "skippable zstd frames": ("a.tar.zst", SKIPPABLE * 100_001, "frames"),
    "a huge skippable frame": (
        "a.tar.zst",
        SKIPPABLE[:4] + struct.pack("<I", 2**26) + bytes(2**26),
        "decompress to only 0",
    ),
    "empty zstd blocks": ("a.tar.zst", b"\x28\xb5\x2f\xfd\x00\x00" + bytes(3) * 2**24, "decompress to only 0"),
    "empty deflate blocks": ("a.tgz", gzip.compress(b"", 0)[:10] + b"\0\0\0\xff\xff" * 2**23, "decompress to only 0"),
}


@pytest.mark.parametrize(("name", "data", "words"), FOR_NOTHING.values(), ids=FOR_NOTHING)
def test_compressed_bytes_that_unpack_to_nothing_are_not_read_for_long(name: str, data: bytes, words: str) -> None:
    source = Counted(name, data, 2**16)
    refusal = read(source, Limits())
    assert isinstance(refusal, Refusal)
    assert words in str(refusal.problems[0])
    assert source.given <= 2**25 + 2**17


def test_extra_fields_of_local_headers_are_bounded_together() -> None:
    extras = [Member(b"%d" % number, local_extra=struct.pack("<HH", 0x9999, 996) + bytes(996)) for number in range(20)]
    assert accepted("a.zip", zip_of(*extras), Limits(directory=20_000))
    assert "extra fields" in str(refused("a.zip", zip_of(*extras), Limits(directory=19_999)))
