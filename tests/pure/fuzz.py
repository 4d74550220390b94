"""Bend own archives out of shape, and check that the reader keeps its word.

    python -m tests.pure.fuzz --seconds 600 --seed 7

Whatever the bytes: contents or a refusal, in bounded time; and what is accepted, Python's own zipfile or
tarfile reads as the same files with the same bytes, because an accepted archive has only one reading.
"""

import argparse
import gzip
import hashlib
import io
import random
import struct
import sys
import tarfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from backports import zstd

from deployer.inspection.archive import Contents, Limits, Refusal, read
from deployer.inspection.compatibility import Probe
from deployer.inspection.inspect import inspect_contents
from deployer.model.function import FunctionConfiguration
from tests.pure import test_archive_tar, test_archive_zip
from tests.pure.compatibility_cases import elf_of
from tests.pure.hostile import Member, Memory, zip_of

LIMITS = Limits(unpacked=2**22, entries=200, record=2**14, directory=2**16)
FUNCTION = FunctionConfiguration(name="fuzzed", runtime="python3.13")
SLOW = 2.0
"""Seconds that one reading may take, on a busy machine."""
NUMBERS = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
WORDS = (
    *(b"PK\1\2 PK\3\4 PK\5\6 PK\6\6 PK\6\7 PK\7\x08 ../ ./ // \\ \0 ustar\x0000 tar\0 path= size= GNU.sparse.".split()),
    *(b"\xff\xfe \x80 x g L K 0 1 2 5 S".split()),
    b"ustar  \0",
)


def seeds() -> dict[str, list[bytes]]:
    """Return own archives by kind, sound and unsound."""
    natives = [elf_of(init="m", interpreter="/lib64/ld.so"), b"#!/bin/sh\n", b"MZ", b"Tag: cp313-cp313-linux_x86_64\n"]
    names = (b"m.so", b"run", b"x.pyd", b"a-1.dist-info/WHEEL")
    mixed = [Member(name, data) for name, data in zip(names, natives, strict=True)]
    manifest = Member(b"dropshift.toml", b'[application]\ncommand = ["./run"]\n')
    return {
        "zip": [
            *test_archive_zip.SOUND.values(),
            *(data for data, _ in test_archive_zip.REFUSED.values()),
            zip_of(*mixed, manifest),
        ],
        "tar": [*test_archive_tar.SOUND.values(), *(data for data, _ in test_archive_tar.REFUSED.values())],
    }


def bend(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one to eight changes."""
    bent = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        chance.choice(BENDS)(bent, other, chance)
    return bytes(bent)


def _flip(bent: bytearray, _: bytes, chance: random.Random) -> None:
    if bent:
        bent[chance.randrange(len(bent))] ^= 1 << chance.randrange(8)


def _number(bent: bytearray, _: bytes, chance: random.Random) -> None:
    form = chance.choice("BHIQ")
    value = struct.pack("<" + form, chance.choice(NUMBERS) % 2 ** (8 * struct.calcsize("<" + form)))
    at = chance.randrange(len(bent) + 1)
    bent[at : at + len(value)] = value


def _word(bent: bytearray, _: bytes, chance: random.Random) -> None:
    word, at = chance.choice(WORDS), chance.randrange(len(bent) + 1)
    bent[at : at + len(word) * chance.randrange(2)] = word


def _cut(bent: bytearray, _: bytes, chance: random.Random) -> None:
    at = chance.randrange(len(bent) + 1)
    del bent[at : at + chance.choice((1, 4, 30, 512, len(bent)))]


def _copy(bent: bytearray, other: bytes, chance: random.Random) -> None:
    giver = chance.choice((bytes(bent), other))
    start = chance.randrange(len(giver) + 1)
    at = chance.randrange(len(bent) + 1)
    bent[at:at] = giver[start : start + chance.choice((1, 22, 46, 512, 1024))]


BENDS: tuple[Callable[[bytearray, bytes, random.Random], None], ...] = (_flip, _number, _word, _cut, _copy)


def mend(tar: bytes) -> bytes:
    """Make the checksums of a tar's headers right again, so that the changes behind them are seen."""
    mended = bytearray(tar)
    for at in range(0, len(mended) - 511, 512):
        block = mended[at : at + 512]
        if block[257:262] == b"ustar" and any(block[:100]):
            block[148:156] = b" " * 8
            mended[at + 148 : at + 156] = b"%06o\0 " % sum(block)
    return bytes(mended)


def mend_crcs(data: bytes) -> bytes:
    """Make one stored entry's CRC right again."""
    at = data.find(b"PK\1\2")
    if at < 0 or len(data) < at + 46:
        return data
    size, offset = struct.unpack_from("<I", data, at + 20)[0], struct.unpack_from("<I", data, at + 42)[0]
    name, extra = struct.unpack_from("<HH", data, offset + 26) if offset + 30 <= len(data) else (0, 0)
    crc = struct.pack("<I", zlib.crc32(data[offset + 30 + name + extra :][: min(size, 2**20)]))
    mended = bytearray(data)
    mended[at + 16 : at + 20] = mended[offset + 14 : offset + 18] = crc
    return bytes(mended)


def check(kind: str, data: bytes) -> str:
    """Read and compare; return how it ended. Raises AssertionError if the reader broke its word."""
    probe, started = Probe(), time.perf_counter()
    found = read(Memory(f"fuzzed.{kind}", data, 4096), LIMITS, probe)
    if isinstance(found, Contents):
        inspect_contents(found, probe, FUNCTION)
    probe.close()
    assert time.perf_counter() - started < SLOW, "too slow"
    if isinstance(found, Refusal):
        assert found.problems
        assert all(str(problem).isprintable() for problem in found.problems)
        return "refused"
    assert found.unpacked <= LIMITS.unpacked
    try:
        theirs = _theirs(kind, data)
    except (OSError, EOFError, zlib.error, NotImplementedError, tarfile.TarError, zipfile.BadZipFile):
        return "accepted, too odd for Python"
    assert {entry.path: entry.sha256 for entry in found.entries if entry.kind == "file"} == theirs, "another reading"
    return "accepted"


UNPACK: dict[str, Callable[[bytes], bytes]] = {"tar": bytes, "tar.gz": gzip.decompress, "tar.zst": zstd.decompress}


def _theirs(kind: str, data: bytes) -> dict[str, str]:
    if kind == "zip":
        return zip_files(data)
    return tar_files(UNPACK[kind](data))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def zip_files(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {}
        for info in archive.infolist():
            links = info.external_attr >> 28 == 0o12
            name = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437").decode()
            if not name.endswith("/") and not links:
                files[name.removeprefix("./")] = _digest(archive.read(info))
        return files


def tar_files(data: bytes) -> dict[str, str]:
    files: dict[str, str] = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for info in archive:
            content = archive.extractfile(info) if info.isreg() or info.islnk() else None
            if content:
                files[info.name.removeprefix("./")] = _digest(content.read())
    return files


KINDS = ("zip", "zip", "tar", "tar", "tar.gz", "tar.zst")
PACK: dict[str, Callable[[bytes], bytes]] = {"tar.gz": lambda tar: gzip.compress(tar, 1), "tar.zst": zstd.compress}


def once(kinds: dict[str, list[bytes]], chance: random.Random) -> tuple[str, bytes]:
    """Make one bent archive."""
    kind = chance.choice(KINDS)
    own = kinds[kind.partition(".")[0]]
    data = bend(chance.choice(own), chance.choice(own), chance)
    if kind == "zip":
        return kind, mend_crcs(data) if chance.random() < 0.3 else data
    data = mend(data) if chance.random() < 0.8 else data
    if kind in PACK:
        data = PACK[kind](data)
        data = bend(data, data, chance) if chance.random() < 0.3 else data
    return kind, data


def run(seed: int, *, seconds: float = float("inf"), executions: int = sys.maxsize) -> Counter[str]:
    """Bend and check until time or count is up; return how the readings ended."""
    chance, kinds, ended = random.Random(seed), seeds(), Counter[str]()  # noqa: S311 - to be repeatable, not secret
    until = time.monotonic() + seconds
    while ended.total() < executions and time.monotonic() < until:
        kind, data = once(kinds, chance)
        try:
            ended[f"{kind} {check(kind, data)}"] += 1
        except Exception:
            place = Path(f"fuzzed-{seed}-{ended.total()}.{kind}")
            place.write_bytes(data)
            print(f"broken by {place} after {ended.total()} executions", file=sys.stderr)
            raise
    return ended


def main() -> None:
    """Run for a while, and print how the readings ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    ended = run(options.seed, seconds=options.seconds)
    print(f"seed {options.seed}: {ended.total()} executions, no crash, no hang, no second reading; {dict(ended)}")


if __name__ == "__main__":
    main()
