"""Reading of tars: ustar, pax, GNU, star and v7, plain, gzipped and zstandard."""

import gzip
from collections.abc import Callable

import pytest
from backports import zstd

from deployer.inspection.archive import Limits
from tests.pure.hostile import DATA, accepted, long_name, member, pax, refused, tar_of, tgz_of

APP = member(b"app.py", DATA)
GNU = b"ustar  \0"
LONG = b"d" * 120 + b"/" + b"f" * 120
BIG = b"\x80" + (2**33).to_bytes(11, "big")

SOUND = {
    "ustar": tar_of(APP),
    "a ustar prefix": tar_of(APP, member(b"name.py", prefix=b"some/where")),
    "v7": tar_of(member(b"app.py", DATA, magic=bytes(8), type=b"\0")),
    "a v7 directory": tar_of(APP, member(b"lib/", magic=bytes(8), type=b"\0")),
    "GNU": tar_of(member(b"app.py", DATA, magic=GNU)),
    "a GNU long name": tar_of(APP, long_name(LONG), member(LONG[:100], magic=GNU)),
    "a GNU long link": tar_of(APP, long_name(LONG, b"K"), member(b"link", type=b"2", link=LONG[:100], magic=GNU)),
    "GNU long name and link": tar_of(
        APP, long_name(LONG, b"K"), long_name(LONG, b"L"), member(b"x", type=b"2", link=b"y", magic=GNU)
    ),
    "pax": tar_of(pax(("mtime", b"1.5"), ("path", b"app.py")), member(b"short", DATA)),
    "a pax link": tar_of(APP, pax(("linkpath", b"app.py")), member(b"link", type=b"2", link=b"short")),
    "a pax size that agrees": tar_of(pax(("size", b"%d" % len(DATA))), APP),
    "a pax header without records": tar_of(pax(), APP),
    "a global comment, as git writes it": tar_of(pax(("comment", b"0123abc"), type=b"g"), APP),
    "binary numbers": tar_of(member(b"app.py", DATA, size=b"\x80" + len(DATA).to_bytes(11, "big"))),
    "numbers with blanks": tar_of(member(b"app.py", DATA, size=b"%11o " % len(DATA), mode=b"   644 \0")),
    "a contiguous file": tar_of(member(b"app.py", DATA, type=b"7")),
    "a symbolic link": tar_of(APP, member(b"bin/run", type=b"2", link=b"../app.py")),
    "a hard link": tar_of(APP, member(b"copy.py", type=b"1", link=b"./app.py")),
    "a hard link to a hard link": tar_of(
        APP, member(b"b", type=b"1", link=b"app.py"), member(b"c", type=b"1", link=b"b")
    ),
    "the root": tar_of(member(b"./", type=b"5"), member(b"./app.py", DATA)),
    "the root as a dot": tar_of(member(b".", type=b"5"), APP),
    "a directory twice": tar_of(member(b"lib/", type=b"5"), member(b"lib/", type=b"5"), APP),
    "padding to 10 KiB": tar_of(APP, end=bytes(10240 - len(APP))),
    "garbage behind a NUL in the name's field": tar_of(member(b"app.py\0garbage", DATA)),
}

REFUSED = {
    # what it is: (the tar, words of what was found)
    "nothing": (b"", "no bytes at all"),
    "only the end marker": (tar_of(), "without entries"),
    "only directories": (tar_of(member(b"lib/", type=b"5")), "without files"),
    "no end marker": (tar_of(APP, end=b""), "no end marker"),
    "a file that is cut": (APP[:520], "no end marker"),
    "data behind the end marker": (tar_of(APP) + APP, "behind the end marker"),
    "a block between two zero blocks": (tar_of(APP, end=bytes(512)) + APP + bytes(1024), "behind the end marker"),
    "a wrong checksum": (tar_of(member(b"app.py", DATA, checksum=1)), "checksum"),
    "no tar": (DATA * 40, "checksum"),
    "no number for a size": (tar_of(member(b"app.py", DATA, size=b"0000000zz17\0")), "a size that is not a number"),
    "a negative size": (tar_of(member(b"app.py", size=b"\xff" * 12)), "a size that is not a number"),
    "more bytes than allowed": (tar_of(member(b"big", size=BIG)), "bytes or more when unpacked"),
    "a prefix in a v7 header": (tar_of(member(b"app.py", magic=bytes(8), prefix=b"up")), "prefix"),
    "GNU times where ustar has its prefix": (
        tar_of(member(b"app.py", DATA, magic=GNU, prefix=b"14371641410\0")),
        "prefix",
    ),
    "a prefix without a name": (tar_of(member(b"", prefix=b"some/where")), "prefix without a name"),
    "a file with a directory's name": (tar_of(member(b"lib/"), APP), "directory's name"),
    "a user that is not a number": (tar_of(member(b"app.py", user=b"nobody\0\0")), "a user that is not a number"),
    "a GNU long name that runs on": (
        tar_of(member(b"././@LongLink", b"abcdef", type=b"L", size=b"00000000004\0", magic=GNU), APP),
        "without one at its end",
    ),
    "a pax size that contradicts": (tar_of(pax(("size", b"1024")), member(b"data", DATA)), "a pax size of 1024"),
    "a pax size over an empty field": (tar_of(pax(("size", b"1024")), member(b"data")), "a pax size of 1024"),
    "a pax size that is not a number": (tar_of(pax(("size", b"-1")), APP), "not a number"),
    "two pax paths": (tar_of(pax(("path", b"a"), ("path", b"b")), APP), "two pax records"),
    "a pax record without a key": (tar_of(pax(("", b"x")), APP), "without a key"),
    "a pax record that lies about its length": (tar_of(member(b"x", b"99 path=a\n", type=b"x"), APP), "wrong length"),
    "a pax record without a length": (tar_of(member(b"x", b"path=app.py\n", type=b"x"), APP), "wrong length"),
    "a pax record without its newline": (tar_of(member(b"x", b"9 path=ab", type=b"x"), APP), "wrong length"),
    "an empty pax path, which POSIX reads as none": (tar_of(pax(("path", b"")), APP), "empty"),
    "a NUL in a pax path": (tar_of(pax(("path", b"a\0b")), APP), "NUL"),
    "a NUL in a pax keyword": (tar_of(pax(("SCHILY.xattr.a\0b", b"x")), APP), "NUL"),
    "a NUL in a pax user's name": (tar_of(pax(("uname", b"root\0")), APP), "NUL"),
    "a pax header for nothing": (tar_of(APP, pax(("path", b"a"))), "without a file after it"),
    "two pax headers": (tar_of(pax(("path", b"a")), pax(("path", b"b")), APP), "two extended headers"),
    "pax and a GNU long name": (tar_of(pax(("path", b"a")), long_name(b"b"), APP), "two extended headers"),
    "two GNU long names": (tar_of(long_name(b"a"), long_name(b"b"), APP), "two extended headers"),
    "a GNU long name with a NUL": (tar_of(long_name(b"a\0b"), APP), "NUL"),
    "a global path": (tar_of(pax(("path", b"evil"), type=b"g"), APP), "a global pax path"),
    "a global header in between": (tar_of(pax(), pax(type=b"g"), APP), "between a file and its own"),
    "a sparse file": (tar_of(member(b"s", type=b"S", magic=GNU)), "sparse"),
    "a sparse file by pax": (tar_of(pax(("GNU.sparse.major", b"1")), APP), "sparse"),
    "a character device": (tar_of(member(b"null", type=b"3")), "character device"),
    "a block device": (tar_of(member(b"sda", type=b"4")), "block device"),
    "a FIFO": (tar_of(member(b"pipe", type=b"6")), "FIFO"),
    "a volume label": (tar_of(member(b"label", type=b"V", magic=GNU), APP), "type 'V'"),
    "a directory with data": (tar_of(member(b"lib/", DATA, type=b"5")), "not a file"),
    "a link with data": (tar_of(APP, member(b"l", DATA, type=b"2", link=b"app.py")), "not a file"),
    "a hard link with data": (tar_of(APP, member(b"l", DATA, type=b"1", link=b"app.py")), "not a file"),
    "a hard link to nothing": (tar_of(member(b"l", type=b"1", link=b"app.py"), APP), "not an earlier file"),
    "a hard link outside": (tar_of(APP, member(b"l", type=b"1", link=b"../passwd")), "'..'"),
    "a hard link to a link": (
        tar_of(APP, member(b"s", type=b"2", link=b"app.py"), member(b"h", type=b"1", link=b"s")),
        "not an earlier file",
    ),
    "no name": (tar_of(member(b"", DATA)), "without a name"),
    "a directory without a name": (tar_of(APP, member(b"", type=b"5")), "without a name"),
    "a file as the root": (tar_of(member(b"./.", DATA)), "'.' component"),
    "a link as the root": (tar_of(APP, member(b".", type=b"2", link=b"app.py")), "root's place"),
}


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND)
def test_a_sound_tar_is_read(data: bytes) -> None:
    contents = accepted("release.tar", data)
    assert next(entry for entry in contents.entries if entry.path == "app.py").size == len(DATA)


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_a_tar_that_tools_could_read_differently_is_refused(data: bytes, words: str) -> None:
    assert words in str(refused("release.tar", data)[0])


def test_long_names_are_whole() -> None:
    for extended in (long_name(LONG), pax(("path", LONG))):
        contents = accepted("release.tar", tar_of(extended, member(LONG[:100], DATA)))
        assert contents.entries[-1].path == LONG.decode()


def test_a_hard_link_is_a_file_of_its_own_and_counts_again() -> None:
    data = tar_of(APP, *(member(b"%d" % number, type=b"1", link=b"app.py") for number in range(9)))
    contents = accepted("release.tar", data)
    assert {entry.sha256 for entry in contents.entries} == {contents.entries[0].sha256}
    assert contents.unpacked == 10 * len(DATA)
    assert refused("release.tar", data, Limits(unpacked=10 * len(DATA) - 1))


def test_every_bad_name_of_a_tar_is_reported_at_once() -> None:
    problems = refused("release.tar", tar_of(member(b"../a"), member(b"/b"), APP, member(b"c\\d")))
    assert [problem.where for problem in problems] == ["../a", "/b", "c\\d"]


def test_records_and_names_are_bounded_before_they_are_read() -> None:
    long = member(b"././@LongLink", size=b"%011o\0" % 2**26, type=b"L", magic=GNU)
    assert "at most 1048576" in str(refused("release.tar", tar_of(long)))
    many = tar_of(*(member(b"%d" % number) for number in range(11)))
    assert "more than 10 entries" in str(refused("release.tar", many, Limits(entries=10)))
    assert "bytes of names" in str(refused("release.tar", many, Limits(directory=9)))


def _frames(data: bytes) -> bytes:
    return zstd.compress(data[:700]) + b"\x50\x2a\x4d\x18\3\0\0\0abc" + zstd.compress(data[700:])


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("release.tar.gz", gzip.compress),
        ("RELEASE.TGZ", gzip.compress),
        ("release.tar.zst", zstd.compress),
        ("release.tar.zst", _frames),
    ],
)
def test_compressed_tars_are_read(name: str, pack: Callable[[bytes], bytes]) -> None:
    assert accepted(name, pack(tar_of(APP)))


CHECKED = zstd.compress(tar_of(APP), options={zstd.CompressionParameter.checksum_flag: 1})
WIDE = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})
DAMAGED = {
    "a tar that is not compressed": ("a.tar.gz", tar_of(APP), "not a tar.gz"),
    "a gzip by another name": ("a.tar.zst", tgz_of(APP), "not a tar.zst"),
    "a zip by another name": ("a.tgz", b"PK\x05\x06" + bytes(18), "not a tar.gz"),
    "an unknown name": ("a.rar", tar_of(APP), "names that end in"),
    "two gzip members": ("a.tgz", gzip.compress(tar_of(APP)[:600]) + gzip.compress(tar_of(APP)[600:]), "first gzip"),
    "zeros behind a gzip member": ("a.tgz", tgz_of(APP) + bytes(1), "first gzip"),
    "a gzip that is cut": ("a.tgz", tgz_of(APP)[:-9], "cut short"),
    "a gzip without its last byte": ("a.tgz", tgz_of(APP)[:-1], "cut short"),
    "a gzip with a wrong CRC": ("a.tgz", tgz_of(APP)[:-8] + b"\0\0\0\0" + tgz_of(APP)[-4:], "damaged gzip"),
    "a gzip with a wrong length": ("a.tgz", tgz_of(APP)[:-4] + b"\0\0\0\0", "damaged gzip"),
    "a zstd that is cut": ("a.tar.zst", zstd.compress(tar_of(APP))[:-3], "cut short"),
    "a zstd with a wrong checksum": ("a.tar.zst", CHECKED[:-1] + bytes([CHECKED[-1] ^ 1]), "damaged zstd"),
    "data behind a zstd frame": ("a.tar.zst", zstd.compress(tar_of(APP)) + b"evil", "damaged zstd"),
    "a zstd window that takes too much memory": (
        "a.tar.zst",
        WIDE.compress(tar_of(APP)) + WIDE.flush(),
        "window above 128 MiB",
    ),
}


@pytest.mark.parametrize(("name", "data", "words"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_or_ambiguous_stream_is_refused(name: str, data: bytes, words: str) -> None:
    assert words in str(refused(name, data)[0])
