"""Will it run? Every way it would not, told from a tree that was never imported."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from deployer.archive import Contents, FileSource, Limits, Refusal
from deployer.fitness import Fit, Probe, elf, judge
from deployer.function import FunctionFacts
from deployer.inspection import Inspection, inspect
from deployer.manifest import Manifest
from tests.pure.hostile import Member, Memory, look, member, tgz_of, zip_of

PYTHON = FunctionFacts(name="orders", runtime="python3.13", memory=2048, ephemeral_storage=512)
NODE = FunctionFacts(name="orders", runtime="nodejs20.x", memory=2048)
ARM = PYTHON.model_copy(update={"architecture": "arm64"})
SNAP = PYTHON.model_copy(update={"snap_start": True})
HANDLER = b"def handler(event, context):\n    return event\n"


def elf_of(
    machine: int = 62,
    glibc: str = "GLIBC_2.17",
    needed: str = "libc.so.6",
    init: str = "",
    interpreter: str = "",
    *,
    whole: bool = True,
) -> bytes:
    """Return a 64-bit ELF file with one needed library, one version need and perhaps a PyInit_ symbol."""
    names = ["", needed, glibc, *([f"PyInit_{init}"] if init else [])]
    strings = b"\0".join(name.encode() for name in names) + b"\0"
    segments = 2 + bool(interpreter)
    at = 64 + 56 * segments
    path = interpreter.encode() + b"\0" if interpreter else b""
    need = at + len(path) + len(strings)
    versions = struct.pack("<HHIII", 1, 1, 1, 16, 0) + struct.pack("<IHHII", 0, 0, 2, 2 + len(needed), 0)
    table = need + len(versions)
    pairs = [(1, 1), (5, at + len(path)), (10, len(strings)), (0x6FFFFFFE, need), (0x6FFFFFFF, 1), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *pair) for pair in pairs)
    size = table + len(dynamic)
    head = (
        b"\x7fELF\2\1\1"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, segments, 64, 0, 0)
    )
    kinds = [(1, 0, size), (2, table, len(dynamic)), *([(3, at, len(path))] if interpreter else [])]
    rows = b"".join(struct.pack("<IIQQQQQQ", k, 5, offset, offset, 0, length, length, 1) for k, offset, length in kinds)
    data = head + rows + path + strings + versions + dynamic
    return data if whole else data[:-40]


def verdict(files: dict[str, bytes], function: FunctionFacts = PYTHON, manifest: str = "") -> Inspection | Refusal:
    """Inspect a release with these files; those that start with #! or ELF's magic are executable."""
    members = [
        Member(path.encode(), data, mode=0o100755 if data[:2] in (b"#!", b"\x7fE") else 0o100644, method=8)
        for path, data in files.items()
    ]
    told = [Member(b"dropshift.toml", manifest.encode())] if manifest else []
    return inspect(Memory("release.zip", zip_of(*members, *told)), Limits(unpacked=2**28), function)


def said(found: Inspection | Refusal) -> str:
    assert isinstance(found, Refusal), found
    return " | ".join(map(str, found.problems))


def warned(found: Inspection | Refusal) -> str:
    assert isinstance(found, Inspection), found
    return " | ".join(found.warnings)


RUN = '[application]\nhandler = "app.main.run"\n'

SOURCES_THAT_BIND = {
    "a function": b"def run(event, context): ...",
    "a class": b"class run: ...",
    "an assignment": b"run = object()",
    "an annotated assignment": b"run: object = object()",
    "a tuple of names": b"(run, other), *rest = a()",
    "a walrus": b"if (run := make()): pass",
    "an import": b"import run",
    "an import from elsewhere": b"from somewhere import handler as run",
    "a conditional definition": b"if x:\n    def run(e, c): ...\nelse:\n    run = None",
    "a try": b"try:\n    from fast import run\nexcept ImportError:\n    def run(e, c): ...",
    "a loop": b"for run in handlers: break",
    "a with": b"with a() as run: pass",
    "a match": b"match a():\n    case [run]: pass",
    "a global": b"def make():\n    global run\n    run = 1\nmake()",
    "a star import": b"from elsewhere import *",
    "a module's __getattr__": b"def __getattr__(name): ...",
    "globals()": b"globals()['run'] = print",
    "a decorated coroutine": b"@sync\nasync def run(e, c): ...",
    "a coding cookie": "# -*- coding: latin-1 -*-\nname = 'größe'\ndef run(e, c): ...".encode("latin-1"),
}


@pytest.mark.parametrize("source", SOURCES_THAT_BIND.values(), ids=SOURCES_THAT_BIND)
def test_a_handler_is_found_however_it_is_bound(source: bytes) -> None:
    assert isinstance(verdict({"app/main.py": source}, manifest=RUN), Inspection)


@pytest.mark.parametrize(
    "path",
    ["app/main.py", "app/main/__init__.py", "app/main.cpython-313-x86_64-linux-gnu.so", "app/main.abi3.so"],
)
def test_a_handler_module_may_be_a_file_a_package_or_native(path: str) -> None:
    data = b"def run(e, c): ..." if path.endswith(".py") else elf_of(init="main")
    assert isinstance(verdict({path: data}, manifest=RUN), Inspection)


def test_the_usual_handler_is_lambda_function_lambda_handler() -> None:
    found = verdict({"lambda_function.py": b"def lambda_handler(e, c): ..."})
    assert isinstance(found, Inspection)
    assert found.start.handler == "lambda_function.lambda_handler"


BAD_HANDLERS = {
    # what is wrong: (the files, words of the answer)
    "no module": ({"other.py": HANDLER}, "no such module"),
    "no function": ({"app/main.py": b"def runn(e, c): ..."}, "did you mean runn?"),
    "a name only inside a function": ({"app/main.py": b"def f():\n    run = 1"}, "nothing called run"),
    "a name only inside a class": ({"app/main.py": b"class A:\n    def run(self): ..."}, "nothing called run"),
    "a syntax error": ({"app/main.py": b"def run(e, c)\n"}, "line 1: expected ':'"),
    "a NUL": ({"app/main.py": b"run = 1\0"}, "not Python"),
    "a coroutine": ({"app/main.py": b"async def run(e, c): ..."}, "coroutine function"),
    "one directory too deep": ({"release/app/main.py": b"def run(e, c): ..."}, "pack what is inside release"),
    "another case": ({"app/Main.py": b"def run(e, c): ..."}, "rename app/Main.py"),
    "only cached bytecode": ({"app/__pycache__/main.cpython-313.pyc": b"x"}, "needs its source beside it"),
    "bytecode of another Python": ({"app/main.pyc": b"\xcb\r\r\n" + bytes(12)}, "bytecode of Python 3.12"),
    "bytecode without the name": ({"app/main.pyc": b"\xf3\r\r\n" + bytes(12) + b"other"}, "nothing called run"),
    "a re-export of nothing": (
        {"app/main.py": b"from .core import run", "app/core.py": b"def walk(): ..."},
        "app/core.py: nothing called run",
    ),
    "a re-export through a package": (
        {"app/main/__init__.py": b"from app.main.core import go as run", "app/main/core.py": b"stop = 1"},
        "app/main/core.py: nothing called go",
    ),
}


@pytest.mark.parametrize(("files", "words"), BAD_HANDLERS.values(), ids=BAD_HANDLERS)
def test_a_handler_that_is_not_there_is_told_with_a_way_out(files: dict[str, bytes], words: str) -> None:
    assert words in said(verdict(files, manifest=RUN))


def test_bytecode_without_source_is_enough() -> None:
    assert isinstance(verdict({"app/main.pyc": b"\xf3\r\r\n" + bytes(12) + b"run"}, manifest=RUN), Inspection)


def test_re_exports_are_followed_to_the_function_and_not_in_circles() -> None:
    chain = {
        "app/main.py": b"from .a import run",
        "app/a.py": b"from app.b import run",
        "app/b.py": b"def run(e, c): ...",
    }
    assert isinstance(verdict(chain, manifest=RUN), Inspection)
    circle = {"app/main.py": b"from .a import run", "app/a.py": b"from .main import run"}
    assert isinstance(verdict(circle, manifest=RUN), Inspection)
    submodule = {"app/main.py": b"from app import run", "app/run.py": b"", "app/__init__.py": b""}
    assert isinstance(verdict(submodule, manifest=RUN), Inspection)


MODULE = "pkg/_fast.cpython-313-x86_64-linux-gnu.so"
APP = {"lambda_function.py": b"def lambda_handler(e, c): ..."}
NATIVE = {
    # what is wrong: (path, bytes, words of the answer)
    "another architecture": (MODULE, elf_of(machine=183), "native code for arm64"),
    "a 32-bit machine": (MODULE, b"\x7fELF\1\1\1" + bytes(11) + b"\3\0" + bytes(60), "native code for i386"),
    "a newer glibc": (MODULE, elf_of(glibc="GLIBC_2.38"), "needs glibc 2.38"),
    "musl": (MODULE, elf_of(needed="libc.musl-x86_64.so.1"), "musl (Alpine)"),
    "macOS": ("pkg/_fast.cpython-313-darwin.so", b"\xcf\xfa\xed\xfe" + bytes(99), "a module for macOS"),
    "a universal macOS binary": ("pkg/_fast.abi3.so", b"\xca\xfe\xba\xbe\0\0\0\2" + bytes(99), "a module for macOS"),
    "Windows": ("pkg/_fast.cp313-win_amd64.pyd", b"MZ" + bytes(99), "a module for Windows"),
    "Windows without a tag": ("pkg/_fast.pyd", b"MZ" + bytes(99), "a module for Windows"),
    "another Python": ("pkg/_fast.cpython-311-x86_64-linux-gnu.so", elf_of(), "a module for Python 3.11"),
    "a free-threaded Python": ("pkg/_fast.cpython-313t-x86_64-linux-gnu.so", elf_of(), "free-threaded"),
    "PyPy": ("pkg/_fast.pypy310-pp73-x86_64-linux-gnu.so", elf_of(), "PyPy"),
    "a file that is cut": (MODULE, elf_of(whole=False), "cut short"),
    "a module without a tag": ("pkg/_fast.so", elf_of(machine=183, init="_fast"), "native code for arm64"),
}


@pytest.mark.parametrize(("path", "data", "words"), NATIVE.values(), ids=NATIVE)
def test_a_native_module_that_does_not_fit_is_refused(path: str, data: bytes, words: str) -> None:
    answer = said(verdict({**APP, path: data}))
    assert words in answer
    assert answer.startswith(path)


def test_native_modules_that_fit_pass() -> None:
    fitting = {MODULE: elf_of(), "pkg/b.abi3.so": elf_of(glibc="GLIBC_2.34"), "pkg.libs/libx.so.1": elf_of()}
    assert not warned(verdict({**APP, **fitting}))
    assert isinstance(verdict({**APP, MODULE.replace("x86_64", "aarch64"): elf_of(machine=183)}, ARM), Inspection)


def test_one_fitting_variant_of_a_module_is_enough_and_so_is_its_source() -> None:
    variants = {MODULE: elf_of(), "pkg/_fast.cpython-312-x86_64-linux-gnu.so": elf_of(), "pkg/_fast.pyd": b"MZ"}
    assert isinstance(verdict({**APP, **variants}), Inspection)
    assert "beside it" in warned(verdict({**APP, "pkg/_fast.pyd": b"MZ", "pkg/_fast.py": b""}))


def test_a_runtime_on_amazon_linux_2_has_an_older_glibc() -> None:
    old = PYTHON.model_copy(update={"runtime": "python3.11"})
    module = {MODULE.replace("313", "311"): elf_of(glibc="GLIBC_2.28")}
    assert "glibc 2.26" in said(verdict({**APP, **module}, old))


def test_the_same_fault_below_one_directory_is_told_once() -> None:
    modules = {f"numpy/m{n}.cpython-313-x86_64-linux-gnu.so": elf_of(machine=183) for n in range(27)}
    found = verdict({**APP, **modules})
    assert isinstance(found, Refusal)
    assert len(found.problems) == 1
    assert "and 26 more like it" in str(found.problems[0])


def test_other_peoples_binaries_that_nobody_imports_are_only_a_warning() -> None:
    strangers = {
        "pip/t64.exe": b"MZ" + bytes(99),
        "x/lib.dylib": b"\xcf\xfa\xed\xfe" + bytes(9),
        "x/arm.so": elf_of(183),
    }
    assert "1 native files for Windows" in warned(verdict({**APP, **strangers}))


def test_a_java_class_is_no_macos_binary() -> None:
    assert not warned(verdict({**APP, "A.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(9)}))


@pytest.mark.skipif(not shutil.which("readelf"), reason="readelf (binutils) is not installed")
def test_what_the_loader_reads_is_read_as_readelf_reads_it() -> None:
    packages = Path(elf.__file__).parents[2] / ".venv/lib/python3.13/site-packages"
    for path in (Path(sys.executable).resolve(), *sorted(packages.glob("**/*.so"))[:20]):
        with path.open("rb") as file:
            found = elf.parse(file, path.stat().st_size)
        told = subprocess.run(["readelf", "-dV", path], capture_output=True, text=True, check=True).stdout
        assert found.needed == tuple(re.findall(r"NEEDED.*\[(.*)\]", told))
        versions = re.findall(r"Name: GLIBC_(\d+)\.(\d+)", told)
        assert found.glibc == max(((int(a), int(b)) for a, b in versions), default=None)


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_damaged_elf_file_is_never_a_crash(cut: int) -> None:
    data = elf_of(init="_fast", interpreter="/lib64/ld-linux-x86-64.so.2")
    for broken in (data[:cut], data[:cut] + b"\xff" * 8 + data[cut + 8 :]):
        verdict({**APP, MODULE: b"\x7fELF" + broken[4:]})


WHEELS = {
    "cp313-cp313-manylinux_2_17_x86_64": "",
    "cp313-cp313-manylinux2014_x86_64": "",
    "cp38-abi3-manylinux_2_34_x86_64": "",
    "py3-none-any": "",
    "py2.py3-none-any": "",
    "py3-none-manylinux_2_17_x86_64.musllinux_1_1_x86_64": "",
    "cp313-cp313-linux_x86_64": "",
    "cp312-cp312-manylinux_2_17_x86_64": "cp312 on manylinux_2_17_x86_64",
    "cp313-cp313t-manylinux_2_17_x86_64": "cp313 on",
    "cp314-abi3-manylinux_2_17_x86_64": "cp314 on",
    "cp313-cp313-manylinux_2_39_x86_64": "manylinux_2_39",
    "cp313-cp313-manylinux_2_17_aarch64": "aarch64",
    "cp313-cp313-musllinux_1_2_x86_64": "musl (Alpine)",
    "cp313-cp313-macosx_11_0_arm64": "macOS",
    "cp313-cp313-win_amd64": "Windows",
    "py2-none-any": "py2 on any",
}


@pytest.mark.parametrize(("tag", "words"), WHEELS.items())
def test_a_wheel_that_was_installed_for_another_machine_is_refused(tag: str, words: str) -> None:
    found = verdict({**APP, "numpy-2.3.1.dist-info/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n".encode()})
    if words:
        assert words in said(found)
        assert "pip install" in said(found)
    else:
        assert isinstance(found, Inspection)


PROGRAM = '[application]\nkind = "executable"\ncommand = ["./server"]\n'
GLIBC_LOADER = "/lib64/ld-linux-x86-64.so.2"
BAD_PROGRAMS = {
    "no program": ({"other": b"#!/bin/sh\n"}, "no such file"),
    "one directory too deep": ({"dist/server": elf_of()}, "pack what is inside dist"),
    "another architecture": ({"server": elf_of(183)}, "native code for arm64"),
    "musl": ({"server": elf_of(interpreter="/lib/ld-musl-x86_64.so.1")}, "musl"),
    "a newer glibc": ({"server": elf_of(glibc="GLIBC_2.38", interpreter=GLIBC_LOADER)}, "needs glibc 2.38"),
    "half a program": ({"server": elf_of(whole=False)}, "cut short"),
    "neither": ({"server": b"hello"}, "neither a Linux program nor a script"),
    "not executable": ({"server": b"hello"}, "x bit is not set"),
    "a Windows program": ({"server": b"MZ" + bytes(99)}, "a program for Windows"),
    "CR LF": ({"server": b"#!/bin/sh\r\necho\r\n"}, "CR LF"),
}


@pytest.mark.parametrize(("files", "words"), BAD_PROGRAMS.values(), ids=BAD_PROGRAMS)
def test_a_program_that_cannot_start_is_refused(files: dict[str, bytes], words: str) -> None:
    assert words in said(verdict(files, manifest=PROGRAM))


@pytest.mark.parametrize("data", [elf_of(interpreter=GLIBC_LOADER), b"#!/bin/sh\necho\n"])
def test_a_program_that_can_start_passes(data: bytes) -> None:
    assert not warned(verdict({"server": data}, manifest=PROGRAM))


def test_commands_from_the_runtime_and_odd_interpreters_are_warned_of() -> None:
    command = '[application]\nkind = "command"\ncommand = ["{}"]\n'
    assert "must be there" in warned(verdict(APP, manifest=command.format("/bin/sh")))
    assert "write ./run" in warned(verdict({"run": b"#!/bin/sh\n"}, manifest=command.format("run")))
    assert "/usr/bin/perl" in warned(verdict({"run": b"#!/usr/bin/perl\n"}, manifest=command.format("./run")))


def test_a_linked_program_is_looked_at_where_the_link_leads(tmp_path: Path) -> None:
    data = tgz_of(
        member(b"v2/server", elf_of(183), mode=b"0000755\0"),
        member(b"server", type=b"2", link=b"v2/server"),
        member(b"dropshift.toml", PROGRAM.encode()),
    )
    (tmp_path / "a.tgz").write_bytes(data)
    assert "arm64" in said(inspect(FileSource(tmp_path / "a.tgz"), Limits(), PYTHON))


def test_a_handler_is_found_through_links_to_directories() -> None:
    current = member(b"app", type=b"2", link=b"versions/../versions/v2/app")
    data = tgz_of(
        member(b"versions/v2/app/main.py", b"def run(e, c): ..."), current, member(b"dropshift.toml", RUN.encode())
    )
    assert isinstance(inspect(Memory("a.tgz", data), Limits(), PYTHON), Inspection)


MODULE_TYPE = json.dumps({"type": "module"}).encode()
NODE_CASES: dict[str, tuple[dict[str, bytes], str]] = {
    "CommonJS": ({"index.js": b"exports.handler = async () => 1;"}, ""),
    "an ES module": ({"index.mjs": b"export const handler = async () => 1;"}, ""),
    "an ES module by package.json": (
        {"index.js": b"export async function handler() {}", "package.json": MODULE_TYPE},
        "",
    ),
    "a bundle": ({"index.cjs": b'"use strict";module.exports={handler:()=>1}'}, ""),
    "a re-export": ({"index.js": b'module.exports = require("./dist/main");'}, ""),
    "no file": ({"main.js": b""}, "no such file"),
    "TypeScript": ({"index.ts": b"export const handler = 1"}, "compile it"),
    "one directory too deep": ({"dist/index.js": b"exports.handler = 1"}, "pack what is inside dist"),
    "no such export": ({"index.js": b"exports.other = 1"}, "nothing called handler"),
    "CommonJS in a module": (
        {"index.js": b"exports.handler = 1", "package.json": MODULE_TYPE},
        'package.json says "type": "module"',
    ),
    "CommonJS in .mjs": ({"index.mjs": b"exports.handler = 1"}, "in a .mjs file"),
    "a module in .cjs": ({"index.cjs": b"export const handler = 1"}, "in a .cjs file"),
    "a module in a plain .js": ({"index.js": b"export const handler = 1"}, 'does not say "type": "module"'),
    "a package.json that is none": ({"index.js": b"exports.handler = 1", "package.json": b"{,"}, "not JSON"),
    "an addon for macOS": (
        {"index.js": b"exports.handler = 1", "node_modules/x/build/x.node": b"\xcf\xfa\xed\xfe" + bytes(99)},
        "an addon for macOS",
    ),
    "addons for many systems": (
        {
            "index.js": b"exports.handler = 1",
            "node_modules/x/prebuilds/darwin-arm64/x.node": b"\xcf\xfa\xed\xfe" + bytes(99),
            "node_modules/x/prebuilds/linux-x64/x.node": elf_of(),
            "node_modules/x/prebuilds/linux-x64-musl/x.node": elf_of(needed="libc.musl-x86_64.so.1"),
        },
        "",
    ),
}


@pytest.mark.parametrize(("files", "words"), NODE_CASES.values(), ids=NODE_CASES)
def test_a_node_handler_is_looked_at_as_node_would(files: dict[str, bytes], words: str) -> None:
    found = verdict(files, NODE)
    assert words in said(found) if words else isinstance(found, Inspection)


def test_node_22_reads_a_plain_js_module_and_is_only_warned() -> None:
    newer = NODE.model_copy(update={"runtime": "nodejs22.x"})
    assert '"type": "module"' in warned(verdict({"index.js": b"export const handler = 1"}, newer))


def test_kind_and_runtime_must_agree() -> None:
    kind = '[application]\nkind = "nodejs"\n'
    assert "runtime is python3.13" in said(verdict({"index.js": b"exports.handler = 1"}, manifest=kind))


def test_a_release_that_does_not_fit_the_disk_is_refused() -> None:
    limits = Limits(unpacked=2**30)
    files = zip_of(*(Member(k.encode(), v, method=8) for k, v in {**APP, "m.bin": bytes(520 * 2**20)}.items()))
    source = Memory("a.zip", files, 2**18)
    assert "MB of SnapStart" in said(inspect(source, limits, SNAP))
    found = inspect(source, limits, PYTHON)
    assert isinstance(found, Inspection)
    assert found.storage in (521, 522)


def test_a_start_that_takes_longer_than_init_is_warned_of() -> None:
    contents = look("a.zip", zip_of(Member(b"lambda_function.py", b"def lambda_handler(e, c): ...")))
    assert isinstance(contents, Contents)
    with closing(Probe()) as probe:
        large = contents.model_copy(update={"size": 2_000_000_000})
        fit = judge(large, probe, Manifest(), PYTHON)
        slow = judge(large, probe, Manifest(), PYTHON.model_copy(update={"timeout": 300}))
        snap = judge(large, probe, Manifest(), SNAP)
    assert isinstance(fit, Fit)
    assert isinstance(slow, Fit)
    assert isinstance(snap, Fit)
    assert "about 26 s" in fit.warnings[-2]
    assert "first calls will fail" in fit.warnings[-1]
    assert not any("first calls" in warning for warning in slow.warnings)
    assert not any("cold start" in warning for warning in snap.warnings)


def test_resources_are_held_against_the_function() -> None:
    asked = "[resources]\nephemeral-storage = 600\nprovisioned-concurrency = 2\n"
    answer = said(verdict(APP, SNAP, asked))
    assert "ephemeral-storage" in answer
    assert "provisioned-concurrency" in answer
    assert isinstance(verdict(APP, manifest=asked), Inspection)


def test_a_manifest_that_cannot_be_read_is_never_passed_over() -> None:
    assert "very large one" in said(verdict(APP, manifest="#" * (2**20 + 1)))
    link = tgz_of(member(b"a.toml", b"schema = 9"), member(b"dropshift.toml", type=b"2", link=b"a.toml"))
    assert "no ordinary file" in said(inspect(Memory("a.tgz", link), Limits(), PYTHON))
    assert "not at the root" in warned(verdict({**APP, "x/dropshift.toml": b"schema = 9"}))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    files = {MODULE: elf_of(183), "app/main.py": b"", "a-1.dist-info/WHEEL": b"Tag: cp39-cp39-win32\n"}
    answer = said(verdict(files, SNAP, RUN + "[resources]\nephemeral-storage = 600\n"))
    for words in ("nothing called run", "native code for arm64", "Windows", "ephemeral-storage"):
        assert words in answer
    broken = said(verdict(files, manifest="[application\n"))
    assert "dropshift.toml" in broken
    assert "native code for arm64" in broken


def test_nothing_of_the_release_is_imported_or_run() -> None:
    marker = f"/tmp/dropshift-test-{os.getpid()}"  # noqa: S108 - it must not come to be
    source = f"open({marker!r}, 'w')\ndef lambda_handler(e, c): ...\n".encode()
    assert isinstance(verdict({"lambda_function.py": source}), Inspection)
    assert not Path(marker).exists()
