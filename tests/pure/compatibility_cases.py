"""Small candidates for release: a few files and a function in, the verdict of the inspection out."""

import struct

from deployer.inspection.archive import Limits, Refusal
from deployer.inspection.inspect import inspect_archive
from deployer.model.function import FunctionConfiguration
from deployer.model.inspection import Inspection
from tests.pure.hostile import Member, Memory, zip_of

PYTHON = FunctionConfiguration(name="orders", runtime="python3.13", memory=2048, ephemeral_storage=512)
NODE = FunctionConfiguration(name="orders", runtime="nodejs22.x", memory=2048)
ARM = PYTHON.model_copy(update={"architecture": "arm64"})
SNAP = PYTHON.model_copy(update={"snap_start": True})
HANDLER = b"def handler(event, context):\n    return event\n"
RUN = '[application]\nhandler = "app.main.run"\n'
MODULE = "pkg/_fast.cpython-313-x86_64-linux-gnu.so"
APP = {"lambda_function.py": b"def lambda_handler(e, c): ..."}


def elf_of(  # noqa: PLR0913 - what an ELF file can say
    machine: int = 62,
    glibc: str = "GLIBC_2.17",
    needed: str = "libc.so.6",
    *,
    init: str = "",
    interpreter: str = "",
    code: int = 0,
    whole: bool = True,
) -> bytes:
    """Return a 64-bit ELF file with one needed library, one version need and perhaps a PyInit_ symbol.

    With `code`, so many bytes lie between the names in the first segment and the dynamic section in the last.
    """
    names = ["", needed, glibc, *([f"PyInit_{init}"] if init else [])]
    strings = b"\0".join(name.encode() for name in names) + b"\0"
    segments = 2 + bool(interpreter) + bool(code)
    at = 64 + 56 * segments
    path = interpreter.encode() + b"\0" if interpreter else b""
    need = at + len(path) + len(strings)
    versions = struct.pack("<HHIII", 1, 1, 1, 16, 0) + struct.pack("<IHHII", 0, 0, 2, 2 + len(needed), 0)
    names_end = need + len(versions)
    table = names_end + code
    pairs = [(1, 1), (5, at + len(path)), (10, len(strings)), (0x6FFFFFFE, need), (0x6FFFFFFF, 1), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *pair) for pair in pairs)
    size = table + len(dynamic)
    head = (
        b"\x7fELF\2\1\1"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, segments, 64, 0, 0)
    )
    loaded = [(1, 0, names_end), (1, table, len(dynamic))] if code else [(1, 0, size)]
    kinds = [*loaded, (2, table, len(dynamic)), *([(3, at, len(path))] if interpreter else [])]
    rows = b"".join(struct.pack("<IIQQQQQQ", k, 5, offset, offset, 0, length, length, 1) for k, offset, length in kinds)
    data = head + rows + path + strings + versions + bytes(code) + dynamic
    return data if whole else data[:-40]


def archive_of(files: dict[str, bytes], manifest: str = "", *, executable: bool = True) -> bytes:
    """Return a zip of these files; those that start with #! or ELF's magic are executable."""
    modes = {
        path: 0o100755 if executable and data[:2] in (b"#!", b"\x7fE") else 0o100644 for path, data in files.items()
    }
    members = [Member(path.encode(), data, mode=modes[path], method=8) for path, data in files.items()]
    return zip_of(*members, *([Member(b"dropshift.toml", manifest.encode())] if manifest else []))


def verdict(
    files: dict[str, bytes], function: FunctionConfiguration = PYTHON, manifest: str = "", *, executable: bool = True
) -> Inspection | Refusal:
    """Inspect a release with these files."""
    data = archive_of(files, manifest, executable=executable)
    return inspect_archive(Memory("release.zip", data), Limits(unpacked=2**28), function)


def refusal(found: Inspection | Refusal) -> str:
    assert isinstance(found, Refusal), found
    return " | ".join(map(str, found.problems))


def warnings(found: Inspection | Refusal) -> str:
    assert isinstance(found, Inspection), found
    return " | ".join(found.warnings)
