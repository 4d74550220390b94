"""Native code that fits the function, or does not: architecture, glibc, Python, system."""

import re
import resource
import shutil
import struct
import subprocess
import sys
import time
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from deployer.inspection.archive import Refusal
from deployer.inspection.compatibility import Probe, elf, runtime
from deployer.model.inspection import Inspection
from tests.pure.compatibility_cases import (
    APP,
    ARM,
    MODULE,
    NODE,
    PYTHON,
    RUN,
    archive_of,
    elf_of,
    refusal,
    verdict,
    warnings,
)

MACOS = b"\xcf\xfa\xed\xfe" + bytes(99)
NATIVE = {
    # what is wrong: (path, bytes, words of the answer)
    "another architecture": (MODULE, elf_of(machine=183), "native code for arm64"),
    "a 32-bit machine": (MODULE, b"\x7fELF\1\1\1" + bytes(11) + b"\3\0" + bytes(60), "native code for i386"),
    "a newer glibc": (MODULE, elf_of(glibc="GLIBC_2.38"), "needs glibc 2.38"),
    "relocations that only a newer glibc packs": (MODULE, elf_of(glibc="GLIBC_ABI_DT_RELR"), "needs glibc 2.36"),
    "musl": (MODULE, elf_of(needed="libc.musl-x86_64.so.1"), "musl (Alpine)"),
    "musl outside of Alpine": (MODULE, elf_of(needed="libc.so"), "musl (Alpine)"),
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
    answer = refusal(verdict({**APP, path: data}))
    assert words in answer
    assert answer.startswith(path)


def test_native_modules_that_fit_pass() -> None:
    fitting = {MODULE: elf_of(), "pkg/b.abi3.so": elf_of(glibc="GLIBC_2.34"), "pkg.libs/libx.so.1": elf_of()}
    assert not warnings(verdict({**APP, **fitting}))
    assert isinstance(verdict({**APP, MODULE.replace("x86_64", "aarch64"): elf_of(machine=183)}, ARM), Inspection)


def test_one_fitting_variant_of_a_module_is_enough_and_so_is_its_source() -> None:
    variants = {MODULE: elf_of(), "pkg/_fast.cpython-312-x86_64-linux-gnu.so": elf_of(), "pkg/_fast.pyd": b"MZ"}
    assert isinstance(verdict({**APP, **variants}), Inspection)
    assert "beside it" in warnings(verdict({**APP, "pkg/_fast.pyd": b"MZ", "pkg/_fast.py": b""}))


def test_modules_without_tags_may_lie_in_directories_named_for_their_systems() -> None:
    systems = {"linux_x86_64": elf_of(init="fast"), "linux_aarch64": elf_of(183, init="fast"), "darwin_arm64": b"MZ"}
    assert isinstance(verdict({**APP, **{f"pkg/{name}/fast.so": data for name, data in systems.items()}}), Inspection)
    assert "pkg/linux_aarch64/fast.so" in refusal(
        verdict({**APP, "pkg/linux_aarch64/fast.so": systems["linux_aarch64"]})
    )


def test_a_version_that_only_weak_symbols_want_is_not_needed() -> None:
    strong, weak = (struct.pack("<HHIIIIHH", 1, 1, 1, 16, 0, 0, flags, 2) for flags in (0, 2))
    module = elf_of(glibc="GLIBC_2.39")
    assert module.count(strong) == 1
    assert isinstance(verdict({**APP, MODULE: module.replace(strong, weak)}), Inspection)


def test_the_same_fault_below_one_directory_is_reported_once() -> None:
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
    assert "native files for Windows: 1, for instance pip/t64.exe" in warnings(verdict({**APP, **strangers}))


def test_a_java_class_is_no_macos_binary() -> None:
    assert not warnings(verdict({**APP, "A.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(9)}))


PREBUILDS = {
    # report: classic-level brings macOS's addon for both of its architectures in one directory
    "one directory for two architectures": ("prebuilds/darwin-x64+arm64/x.node", "prebuilds/linux-x64/x.node"),
    "a system in the file's name": ("lib/x.darwin.node", "lib/linux/x.node"),
    "systems by words of their own": ("bin/osx-universal/x.node", "bin/amazon/x.node"),
}


@pytest.mark.parametrize(("foreign", "fitting"), PREBUILDS.values(), ids=PREBUILDS)
def test_an_addon_of_a_package_that_fits_is_enough_however_its_directory_is_called(foreign: str, fitting: str) -> None:
    handler = {"index.js": b"exports.handler = async () => 1"}
    files = {f"node_modules/@a/x/{foreign}": MACOS, f"node_modules/@a/x/{fitting}": elf_of()}
    assert isinstance(verdict({**handler, **files}, NODE), Inspection)
    del files[f"node_modules/@a/x/{fitting}"]
    assert "an addon for macOS" in refusal(verdict({**handler, **files, "node_modules/y/y.node": elf_of()}, NODE))


def test_an_addon_may_come_in_a_package_for_each_system() -> None:
    packages = {"node_modules/@img/x-darwin-arm64/x.node": MACOS, "node_modules/@img/x-linux-x64/x.node": elf_of()}
    assert isinstance(verdict({"index.js": b"exports.handler = async () => 1", **packages}, NODE), Inspection)


def test_a_program_that_lost_its_x_bit_is_warned_of_and_a_library_is_not() -> None:
    program, library = elf_of(interpreter="/lib64/ld-linux-x86-64.so.2"), elf_of()
    files = {**APP, "bin/ffmpeg": program, "bin/ffprobe": program, "lib/libx.so.1": library, "lib/libc.so.6": program}
    words = warnings(verdict(files, executable=False))
    assert "programs without the executable bit, which cannot be started: 2, for instance bin/ffmpeg" in words
    assert "chmod +x" in words
    assert not warnings(verdict(files))
    assert not warnings(verdict({**APP, "lib/libc.so.6": program, "lib/x": library}, executable=False))


def test_a_module_tagged_for_the_stable_abi_and_a_platform_is_for_newer_pythons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = {"pkg/_fast.abi3-x86_64-linux-gnu.so": elf_of()}
    assert "a module tagged abi3-x86_64-linux-gnu" in refusal(verdict({**APP, **module}))
    monkeypatch.setattr(runtime, "SUPPORTED_PYTHONS", ((3, 14),))
    newer = PYTHON.model_copy(update={"runtime": "python3.14"})
    assert not warnings(verdict({**APP, **module}, newer))
    assert "a module for Python 3.13" in refusal(verdict({**APP, MODULE: elf_of()}, newer))


def _libraries() -> list[Path]:
    found = sorted((Path(sys.prefix) / "lib").glob("**/*.so"))[:20]
    assert found
    return [Path(sys.executable).resolve(), *found]


@pytest.mark.skipif(not shutil.which("readelf"), reason="readelf (binutils) is not installed")
def test_what_the_loader_reads_is_read_as_readelf_reads_it() -> None:
    for path in _libraries():
        with path.open("rb") as file:
            found = elf.parse(file, path.stat().st_size)
        dump = subprocess.run(["readelf", "-dV", path], capture_output=True, text=True, check=True).stdout
        assert found.needed == tuple(re.findall(r"NEEDED.*\[(.*)\]", dump))
        versions = re.findall(r"Name: GLIBC_(\d+)\.(\d+)", dump)
        assert found.glibc == max(((int(a), int(b)) for a, b in versions), default=None)
        assert found.program == (path.suffix != ".so")


def test_the_kept_parts_of_a_library_say_what_the_whole_file_says() -> None:
    for path in _libraries():
        data = path.read_bytes()
        with closing(Probe()) as probe:
            probe.begin("x", len(data))
            for at in range(0, len(data), 100_003):
                probe.write(data[at : at + 100_003])
            probe.end()
            assert probe.natives["x"].elf == elf.parse(BytesIO(data), len(data))


def test_a_library_takes_no_more_disk_than_its_names_and_its_dynamic_section(tmp_path: Path) -> None:
    large = {**APP, MODULE: elf_of(glibc="GLIBC_2.38", code=24 * 2**20)}
    (tmp_path / "a.zip").write_bytes(archive_of(large))
    command = [sys.executable, "-m", "deployer", "inspect", str(tmp_path / "a.zip"), "--runtime", "python3.13"]
    limit = (8 * 2**20, 8 * 2**20)
    inspected = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert inspected.returncode == 1, inspected.stderr
    assert "needs glibc 2.38" in inspected.stderr


WHOLE = elf_of(init="_fast", interpreter="/lib64/ld-linux-x86-64.so.2")


@pytest.mark.parametrize("cut", [*range(4, len(WHOLE), 7), len(WHOLE) - 1])
def test_an_elf_file_that_is_cut_is_refused_wherever_it_is_cut(cut: int) -> None:
    assert "an ELF file that is cut short" in refusal(verdict({**APP, MODULE: WHOLE[:cut]}))


DAMAGED = {
    # field: (offset, bytes, words of the answer)
    "the machine": (18, b"\xff\xff", "native code for machine 65535"),
    "the class": (4, b"\1", "native code for a 32-bit or big-endian machine"),
    "the offset of the program headers": (32, b"\xff" * 8, "cut short"),
    "the number of program headers": (56, b"\xff\xff", "cut short"),
    "the size of a program header": (54, b"\1\0", "cut short"),
    "the offset of the section headers": (40, b"\xff" * 8, "cut short"),
    "the end of the loaded segment": (64 + 32, b"\xff" * 8, "cut short"),
    "the offset of the dynamic section": (64 + 56 + 8, b"\xff" * 8, "cut short"),
    "the offset of the interpreter's name": (64 + 112 + 8, b"\xff" * 8, "cut short"),
    "the address of the string table": (len(WHOLE) - 5 * 16 + 8, b"\xff" * 8, "cut short"),
    "the size of the string table": (len(WHOLE) - 4 * 16 + 8, b"\xff" * 8, "cut short"),
    "the address of the version needs": (len(WHOLE) - 3 * 16 + 8, b"\xff" * 8, "cut short"),
}


@pytest.mark.parametrize(("at", "wrong", "words"), DAMAGED.values(), ids=DAMAGED)
def test_an_elf_file_with_a_damaged_field_is_refused(at: int, wrong: bytes, words: str) -> None:
    assert words in refusal(verdict({**APP, MODULE: WHOLE[:at] + wrong + WHOLE[at + len(wrong) :]}))


def test_an_elf_file_with_more_program_headers_than_are_kept_is_let_pass() -> None:
    many = WHOLE[:32] + (64).to_bytes(8, "little") + WHOLE[40:56] + (1_000).to_bytes(2, "little") + WHOLE[58:]
    assert isinstance(verdict({**APP, MODULE: many + bytes(100_000)}), Inspection)


def test_hostile_names_and_texts_take_no_time() -> None:
    tags = "/".join([".cpython-" * 25] * 15)
    spaces = b"\n" * 500_000 + b"exports.handler = async () => 1"
    files = {f"{n}/{tags}/x.so": elf_of() for n in range(40)} | {f"{n}.pth": b"a/\n" * 50_000 for n in range(40)}
    started = time.process_time()
    assert "no such module" in refusal(verdict({**files, "x/pyvenv.cfg": b""}, manifest=RUN))
    assert isinstance(verdict({"index.js": spaces}, NODE), Inspection)
    assert time.process_time() - started < 20  # minutes, if each is compared with each


@pytest.mark.parametrize("at", range(4, len(WHOLE), 3))
def test_no_damage_to_an_elf_file_is_a_crash(at: int) -> None:
    broken = WHOLE[:at] + b"\xff" * 8 + WHOLE[at + 8 :]
    with closing(Probe()) as probe:
        probe.begin(MODULE, len(broken))
        probe.write(broken)
        probe.end()
        assert probe.natives[MODULE].elf == elf.parse(BytesIO(broken), len(broken))
