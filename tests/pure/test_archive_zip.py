"""Reading of zips; every rule of the profile has a zip made by hand."""

from collections.abc import Iterator
from typing import Any

import pytest

from deployer.inspection.archive import Limits, Refusal, read
from tests.pure.hostile import (
    DATA,
    FULL,
    STREAMED,
    Member,
    Memory,
    accepted,
    deflate,
    descriptor,
    extra,
    refused,
    unicode_path,
    zip64,
    zip_of,
)

APP = Member(b"app.py")

DEFLATED = deflate(DATA)


def app(**fields: Any) -> bytes:  # noqa: ANN401 - as Member takes
    """Return a zip of one file, with these fields of its entry."""
    return zip_of(Member(b"app.py", **fields))


SOUND = {
    "stored": zip_of(APP),
    "deflated": app(method=8),
    "with a comment": zip_of(APP, comment=b"PK\x05 is no end record"),
    "names in UTF-8 with the flag": zip_of(APP, Member("größe.py".encode(), flags=0x800)),
    "names in UTF-8 without the flag": zip_of(APP, Member("größe.py".encode())),
    "a leading './'": zip_of(Member(b"./app.py")),
    "a UTF-8 flag in one place on a name in ASCII": app(flags=0x800, local={"flags": 0}),
    "a directory": zip_of(APP, Member(b"lib/", b"", mode=0o40755)),
    "a directory twice": zip_of(APP, Member(b"lib/", b"", mode=0o40755), Member(b"lib/", b"", mode=0o40755)),
    "a deflated directory, as jar writes it": zip_of(APP, Member(b"lib/", b"", method=8, mode=0, host=0)),
    "a directory marked as deflated without a stream, as old zipfile wrote it": zip_of(
        APP, Member(b"lib/", b"", method=8, packed=b"", mode=0o40755)
    ),
    "a symbolic link": zip_of(APP, Member(b"link", b"app.py", mode=0o120777)),
    "a link that points nowhere inside": zip_of(APP, Member(b"link", b"later.py", mode=0o120777)),
    "a descriptor": app(flags=8, local=STREAMED, descriptor=descriptor(DATA)),
    "a descriptor without signature": app(flags=8, local=STREAMED, descriptor=descriptor(DATA, signed=False)),
    "a descriptor with 64-bit sizes": app(flags=8, local=STREAMED, descriptor=descriptor(DATA, form="<IQQ")),
    "a deflated stream with a descriptor": app(
        method=8, flags=8, local=STREAMED, descriptor=descriptor(DATA, len(DEFLATED))
    ),
    "sizes in front although a descriptor follows": app(
        flags=8, local={"crc": 0, "packed": 0}, descriptor=descriptor(DATA)
    ),
    "zip64 sizes in both headers": zip_of(
        Member(
            b"app.py",
            local={"packed": FULL, "size": FULL},
            local_extra=zip64(len(DATA), len(DATA)),
            central={"packed": FULL, "size": FULL},
            extra=zip64(len(DATA), len(DATA)),
        )
    ),
    "zip64 sizes in front only": app(local={"packed": FULL, "size": FULL}, local_extra=zip64(len(DATA), len(DATA))),
    "zip64 sizes that nobody asked for": app(extra=zip64(len(DATA), len(DATA))),
    "a zip64 offset": app(central={"offset": FULL}, extra=zip64(0)),
    "a zip64 offset and disk": app(central={"offset": FULL, "disk": 0xFFFF}, extra=extra(1, bytes(12))),
    "a zip64 disk only": app(central={"disk": 0xFFFF}, extra=extra(1, bytes(4))),
    "a zip64 end record": zip_of(APP, end64={}),
    "a zip64 end record that the other defers to": zip_of(
        APP, end64={}, end={"here": 0xFFFF, "count": 0xFFFF, "size": FULL, "offset": FULL}
    ),
    "a zip in a zip": zip_of(APP, Member(b"inner.zip", zip_of(APP))),
    "a Unicode path that is the name": app(extra=unicode_path(b"app.py", "app.py")),
    "unknown extra fields": app(extra=extra(0xCAFE, b""), local_extra=extra(0x5455, bytes(9))),
    "a mode from Windows": app(host=0),
    "no mode at all": app(mode=0),
}

REFUSED = {
    # what it is: (the zip, words of what was found)
    "no zip": (b"", "no end record"),
    "only an end record": (zip_of(), "without entries"),
    "only directories": (zip_of(Member(b"lib/", b"", mode=0o40755)), "without files"),
    "data in front": (b"#!/bin/sh\n" + zip_of(APP), "ends before or behind"),
    "data in front that is accounted for": (app(before=b"MZ"), "in front of the first entry"),
    "data behind": (zip_of(APP, after=b"\0"), "behind the zip's end record"),
    "a comment that claims more": (zip_of(APP, end={"comment": 7}), "behind the zip's end record"),
    "two end records": (zip_of(APP, comment=b"PK\x05\x06" + bytes(16) + b"\0\0"), "two possible end"),
    "a zip in the comment": (zip_of(APP, comment=zip_of(APP)), "two possible end"),
    "an end record in the comment": (zip_of(APP, comment=b"PK\x05\x06" + bytes(40)), "behind the zip's end record"),
    "a gap between entries": (zip_of(APP, Member(b"b.py", before=b"gap")), "unused bytes"),
    "a gap before the directory": (zip_of(APP, before_directory=b"gap"), "unused bytes"),
    "an entry without a directory entry": (zip_of(APP, before_directory=zip_of(APP)[:80]), "unused bytes"),
    "a gap behind the directory": (zip_of(APP, end={"size": 0}), "ends before or behind"),
    "a directory elsewhere": (zip_of(APP, end={"offset": 0}), "ends before or behind"),
    "fewer entries counted": (zip_of(APP, Member(b"b.py"), end={"here": 1, "count": 1}), "behind the entries"),
    "more entries counted": (zip_of(APP, end={"here": 2, "count": 2}), "cut short"),
    "several disks": (zip_of(APP, end={"disk": 1}), "several disks"),
    "entries on another disk": (app(central={"disk": 1}), "another disk"),
    "entries on another zip64 disk": (app(central={"disk": 0xFFFF}, extra=extra(1, b"\1\0\0\0")), "another disk"),
    "a disk that zip64 does not tell": (app(central={"disk": 0xFFFF, "offset": FULL}, extra=zip64(0)), "another disk"),
    "counts that differ by disk": (zip_of(APP, end={"here": 0}), "several disks"),
    "overlapping entries": (zip_of(APP, Member(b"b.py", central={"offset": 10})), "overlaps"),
    "entries that share their bytes": (zip_of(APP, Member(b"b.py", central={"offset": 0})), "overlaps"),
    "sizes beyond the file": (app(central={"packed": 2**31, "size": 2**23}), "overlaps"),
    "a name that differs in front": (app(local={"name": b"evil.p"}), "another name"),
    "a method that differs in front": (app(local={"method": 8}), "another method"),
    "a CRC that differs in front": (app(local={"crc": 1}), "another CRC"),
    "a size that differs in front": (app(local={"size": 1}), "another size"),
    "encryption in front only": (app(local={"flags": 1}), "another flags"),
    "strong encryption in front only": (app(local={"flags": 0x40}), "another flags"),
    "a patch in front only": (app(local={"flags": 0x20}), "another flags"),
    "a descriptor in front only": (app(local={"flags": 8}), "another flags"),
    "another encoding of the name in front": (
        zip_of(Member("ö".encode(), flags=0x800, local={"flags": 0})),
        "another flags",
    ),
    "no local header": (zip_of(APP).replace(b"PK\x03\x04", b"PK\x03\x05"), "no local header"),
    "encryption": (app(flags=1), "encrypted"),
    "strong encryption": (app(flags=0x41), "encrypted"),
    "masked headers": (app(flags=0x2001), "encrypted"),
    "AES": (app(method=99), "encrypted"),
    "patched data": (app(flags=0x20), "patched"),
    "zstd": (app(method=93), "compressed by zstd"),
    "an unknown method": (app(method=77), "compressed by method 77"),
    "a wrong CRC": (app(local={"crc": 1}, central={"crc": 1}), "CRC-32"),
    "a stream that gives more": (app(method=8, local={"size": 3}, central={"size": 3}), "more bytes than the 3"),
    "a stream that gives less": (app(method=8, local={"size": 999}, central={"size": 999}), "fewer bytes than the 999"),
    "a stored file of two sizes": (app(local={"size": 3}, central={"size": 3}), "more bytes"),
    "a stream that is cut": (app(method=8, packed=DEFLATED[:-2]), "cut short"),
    "data behind a stream": (app(method=8, packed=DEFLATED + b"x"), "behind its compressed"),
    "a stream that is none": (app(method=8, packed=b"\x07" + DEFLATED), "invalid"),
    "a file marked as deflated without a stream": (
        zip_of(APP, Member(b"empty", b"", method=8, packed=b"")),
        "cut short",
    ),
    "a missing descriptor": (app(flags=8, local=STREAMED), "data descriptor"),
    "a wrong descriptor": (app(flags=8, local=STREAMED, descriptor=descriptor(DATA + b"x")), "data descriptor"),
    "a descriptor nobody announced": (app(descriptor=descriptor(DATA)), "unused bytes"),
    "a truncated extra field": (app(extra=b"\x55\x54\x09\x00\x00"), "longer than the space"),
    "surplus bytes behind extra fields": (app(local_extra=b"\0\0\0"), "surplus bytes"),
    "zip64 twice": (app(extra=zip64() + zip64()), "twice"),
    "zip64 missing": (app(central={"size": FULL}), "without a zip64"),
    "zip64 too short": (app(central={"size": FULL}, extra=extra(1, b"1234")), "too short"),
    "zip64 too long": (app(central={"size": FULL}, extra=zip64(len(DATA), 0, 0, 0)), "contradicts the header"),
    "zip64 that contradicts": (app(extra=zip64(1, 2)), "contradicts the header"),
    "a zip64 locator that lies": (zip_of(APP, end64={"locator": 3}), "zip64 locator"),
    "a zip64 end record with more in it": (zip_of(APP, end64={"length": 45}), "extra data"),
    "a zip64 end record that contradicts": (zip_of(APP, end64={"count": 2, "here": 2}), "contradict"),
    "a zip64 end record with several disks": (zip_of(APP, end64={"disks": 2}), "several disks"),
    "another name as Unicode path": (app(extra=unicode_path(b"app.py", "evil.py")), "Unicode path"),
    "a device": (zip_of(Member(b"null", b"", mode=0o20666)), "device"),
    "a FIFO": (zip_of(Member(b"-", mode=0o10600)), "FIFO"),
    "a directory with data": (zip_of(Member(b"lib/", mode=0o40755)), "with data"),
    "a file with a directory's name": (zip_of(Member(b"lib/", b"")), "not by its name"),
    "a directory with a file's name": (zip_of(Member(b"lib", b"", mode=0o40755)), "not by its name"),
    "a directory by its DOS attribute only": (zip_of(Member(b"lib", b"", mode=0, host=0, dos=0x10)), "not by its name"),
    "a link from Windows": (zip_of(APP, Member(b"link", b"app.py", mode=0o120777, host=0)), "not from Unix"),
    "a link with a bomb in it": (
        zip_of(Member(b"l", bytes(2**20), mode=0o120777, method=8, local={"size": 9}, central={"size": 9})),
        "more bytes",
    ),
    "a link with too long a target": (zip_of(Member(b"l", b"x" * 4000, mode=0o120777)), "target that is too long"),
    "no name": (zip_of(Member(b"")), "without a name"),
    "the root as a file": (zip_of(Member(b".")), "not by its name"),
}


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND)
def test_a_sound_zip_is_read(data: bytes) -> None:
    contents = accepted("release.zip", data)
    assert next(entry for entry in contents.entries if entry.path == "app.py").size == len(DATA)


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_a_zip_that_tools_could_read_differently_is_refused(data: bytes, words: str) -> None:
    assert words in str(refused("release.zip", data)[0])


def test_every_problem_of_a_zip_is_reported_at_once() -> None:
    data = zip_of(
        Member(b"../up.py"),
        Member(b"secret", flags=1),
        Member(b"damaged", method=8, packed=b"\xff"),
        Member(b"fifo", mode=0o10600),
        Member(b"other", local={"crc": 5}),
    )
    problems = refused("release.zip", data)
    assert [problem.where for problem in problems] == ["../up.py", "secret", "fifo", "damaged", "other"]


def test_a_zip_of_160_bytes_cannot_claim_gigabytes() -> None:
    bomb = zip_of(Member(b"bomb", b"", central={"size": 2**32 - 2}, local={"size": 2**32 - 2}))
    problems = refused("release.zip", bomb)
    assert "bytes when unpacked" in str(problems)


def test_the_size_that_counts_is_what_comes_out_not_what_is_declared() -> None:
    bomb = Member(b"bomb", bytes(2**22), method=8, local={"size": 10}, central={"size": 10})
    assert refused("release.zip", zip_of(bomb), Limits(unpacked=2**20))


def test_more_entries_than_allowed_are_refused_before_the_directory_is_read() -> None:
    data = zip_of(*(Member(b"%d" % number, b"") for number in range(11)))
    assert "11 entries" in str(refused("release.zip", data, Limits(entries=10)))
    assert accepted("release.zip", data, Limits(entries=11))


def test_of_the_mode_only_the_executable_bit_is_kept() -> None:
    modes = {b"plain": 0o100666, b"run": 0o104755, b"group": 0o102070, b"odd": 0o100000}
    contents = accepted("release.zip", zip_of(*(Member(name, mode=mode) for name, mode in modes.items())))
    assert {entry.path: entry.mode for entry in contents.entries} == {
        "group": 0o755,
        "odd": 0o644,
        "plain": 0o644,
        "run": 0o755,
    }


def test_a_zip_with_a_broken_directory_is_refused_without_reading_its_entries() -> None:
    class Ranged(Memory):
        def stream(self) -> Iterator[bytes]:
            raise AssertionError("only the directory is needed to refuse this")
            yield b""

    for data in (zip_of(APP, end={"size": 0}), zip_of(APP, Member(b"b", central={"offset": 0})), zip_of()):
        assert isinstance(read(Ranged("release.zip", data), Limits()), Refusal)
    assert isinstance(read(Ranged("release.zip", zip_of(APP)), Limits(unpacked=9)), Refusal)


def test_a_stream_that_ends_early_is_a_refusal() -> None:
    data = zip_of(APP)

    class Short(Memory):
        def stream(self) -> Iterator[bytes]:
            yield data[:40]

    assert "fewer bytes than announced" in str(read(Short("release.zip", data), Limits()))
