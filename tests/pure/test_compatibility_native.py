"""Whether native code and wheels fit the function: architecture, glibc, Python, system."""

import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.inspection.archive import Refusal
from deployer.inspection.compatibility import elf
from deployer.model.inspection import Inspection
from tests.pure.compatibility_cases import APP, ARM, MODULE, PYTHON, elf_of, said, verdict, warned

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


def test_modules_without_tags_may_lie_in_directories_named_for_their_systems() -> None:
    systems = {"linux_x86_64": elf_of(init="fast"), "linux_aarch64": elf_of(183, init="fast"), "darwin_arm64": b"MZ"}
    assert isinstance(verdict({**APP, **{f"pkg/{name}/fast.so": data for name, data in systems.items()}}), Inspection)
    assert "pkg/linux_aarch64/fast.so" in said(verdict({**APP, "pkg/linux_aarch64/fast.so": systems["linux_aarch64"]}))


def test_a_version_that_only_weak_symbols_want_is_not_needed() -> None:
    strong, weak = (struct.pack("<HHIIIIHH", 1, 1, 1, 16, 0, 0, flags, 2) for flags in (0, 2))
    module = elf_of(glibc="GLIBC_2.39")
    assert module.count(strong) == 1
    assert isinstance(verdict({**APP, MODULE: module.replace(strong, weak)}), Inspection)


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
