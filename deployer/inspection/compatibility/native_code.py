"""Pure: whether native code fits: extension modules first, then the libraries they may load.

Sources: PEP 3149 and 384 (file name tags), PEP 600 (manylinux), PEP 656 (musllinux).
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.elf import Elf
from deployer.inspection.compatibility.probe import Native
from deployer.inspection.compatibility.runtime import GLIBC, Machine
from deployer.model.manifest import Kind

_TAGGED = re.compile(r"(?P<stem>.+?)\.(?P<tag>(?:cpython-|pypy|cp\d).*|abi3t?(?:-.*)?)\.(?:so|pyd)|(?P<dll>.+)\.pyd")
_CPYTHON = re.compile(r"cpython-(\d)(\d+)(t?)(?:-(.+))?")
_PLATFORMS = re.compile(r"(?i)[-_./+](darwin|macos|win32|windows|linux\w*|freebsd|android|sunos|x64|ia32|arm64|arm|musl|glibc|gnu|msvc|amd64|x86_64|aarch64)(?![a-z])")  # fmt: skip  # noqa: E501 - one list of words

_MACOS_ONLY = "/node_modules/fsevents/"
"""npm leaves it in every tree that was installed on macOS; packages load it only there."""
_IN_PACKAGE = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+")
_LIBRARY = re.compile(r"\.so(\.\d+)*$|\.node$")
"""Some libraries can be started, too: glibc prints its version."""
SYSTEMS = {"macos": "macOS", "windows": "Windows", "script": "a shell"}

type Fault = tuple[str, str, str]
"""Found, allowed, to do."""


def misfit(machine: Machine, elf: Elf) -> Fault | None:
    """Return why an ELF file cannot be loaded on a machine."""
    built = f"build it for {machine.architecture} on Amazon Linux, or {_take_one(machine)}"
    if not elf.whole:
        return "an ELF file that is cut short", "whole files", "pack it again"
    if elf.machine != machine.architecture:
        return f"native code for {elf.machine}", f"native code for {machine.architecture}", built
    if elf.musl:
        return "native code for musl (Alpine)", "native code for glibc", built
    if elf.glibc and elf.glibc > GLIBC:
        needs, has = (".".join(map(str, version)) for version in (elf.glibc, GLIBC))
        return f"native code that needs glibc {needs}", f"glibc {has}, which {machine.runtime} has", built
    return None


def _take_one(machine: Machine) -> str:
    if machine.python:
        return f"take a wheel that fits: {machine.install()}"
    return f"install it for there: npm ci --os=linux --cpu={'arm64' if machine.architecture == 'arm64' else 'x64'}"


def check(candidate: Candidate, kind: Kind) -> None:
    """Compare native files with the function's machine; the same fault below one directory is reported once."""
    faults: dict[tuple[str, Fault], list[str]] = defaultdict(list)
    for path, fault in _faults(candidate, kind):
        faults[path.partition("/")[0], fault].append(path)
    for (_, (found, allowed, remedy)), paths in faults.items():
        more = f", and {len(paths) - 1} more like it" if len(paths) > 1 else ""
        candidate.refuse(shown(paths[0]), found + more, allowed, remedy)


def _faults(candidate: Candidate, kind: Kind) -> Iterator[tuple[str, Fault]]:
    if kind == "python":
        yield from _module_faults(candidate)
    if kind == "nodejs":
        yield from _addon_faults(candidate)
    _warn_of_libraries(candidate)
    _warn_of_programs(candidate)


def _module_faults(candidate: Candidate) -> Iterator[tuple[str, Fault]]:
    """Yield modules of which no variant fits: there may be several, for different Pythons and systems, and a source.

    Some modules have no tag, and are in directories named for their systems instead, such as Pyarmor's runtime.
    """
    modules: dict[str, dict[str, Fault | None]] = defaultdict(dict)
    for path, native in candidate.natives.items():
        stem = _module_stem(path, native)
        if stem:
            modules[stem][path] = _module_fault(candidate.machine, path, native)
    for stem, candidates in modules.items():
        faults = {path: fault for path, fault in candidates.items() if fault}
        if len(faults) < len(candidates):
            continue
        if candidate.file(stem + ".py") or candidate.file(stem + "/__init__.py"):
            candidate.warn(f"{shown(next(iter(faults)))} does not fit; the Python module beside it is imported instead")
        else:
            path, fault = next(iter(faults.items()))
            yield path, fault


def _tag(path: str) -> tuple[str, str] | None:
    """Return an extension module's path without endings, and its tag ("" on Windows); None for other files."""
    folder, slash, file = path.rpartition("/")
    match = _TAGGED.fullmatch(file)
    return (folder + slash + (match["stem"] or match["dll"]), match["tag"] or "") if match else None


def _module_stem(path: str, native: Native) -> str | None:
    if tagged := _tag(path):
        return tagged[0]
    folder, _, file = path.rpartition("/")
    name = file.removesuffix(".so")
    is_module = path.endswith(".so") and native.elf and native.elf.python_module == name
    return f"{_PLATFORMS.sub('', '/' + folder)}/{name}".lstrip("/") if is_module else None


def _module_fault(machine: Machine, path: str, native: Native) -> Fault | None:
    remedy = f"take the wheel that fits: {machine.install()}"
    if native.system != "linux" or native.elf is None:
        return f"a module for {SYSTEMS[native.system]}", f"modules for Linux {machine.architecture}", remedy
    tag = (_tag(path) or ("", ""))[1]
    version = _CPYTHON.fullmatch(tag)
    allowed = f"modules for {machine.runtime}"
    if tag.startswith("pypy"):
        return "a module for PyPy", allowed, remedy
    if version and ((int(version[1]), int(version[2])) != machine.python or version[3]):
        free = " (free-threaded)" if version[3] else ""
        return f"a module for Python {version[1]}.{version[2]}{free}", allowed, remedy
    fault = misfit(machine, native.elf)
    if not fault and tag and f".{tag}.so" not in machine.extension_suffixes:
        return f"a module tagged {shown(tag)}, for another Python", allowed, remedy
    return fault


def _addon_faults(candidate: Candidate) -> Iterator[tuple[str, Fault]]:
    """Yield addons of packages of which no addon fits; Node packages have addons for many systems.

    A package may also be one of a family, with the system in its own name.
    """
    families: dict[str, dict[str, Fault | None]] = defaultdict(dict)
    for path, native in candidate.natives.items():
        if path.endswith(".node") and _MACOS_ONLY not in f"/{path}":
            families[_PLATFORMS.sub("", _package(path))][path] = _addon_fault(candidate.machine, native)
    for candidates in families.values():
        faults = {path: fault for path, fault in candidates.items() if fault}
        if len(faults) == len(candidates):
            yield next(iter(faults.items()))


def _package(path: str) -> str:
    """Return the innermost package that contains a file; outside of packages, its directory."""
    match = _IN_PACKAGE.match(path)
    return match[0] if match else path.rpartition("/")[0]


def _addon_fault(machine: Machine, native: Native) -> Fault | None:
    if native.elf:
        return misfit(machine, native.elf)
    return f"an addon for {SYSTEMS[native.system]}", "addons for Linux", _take_one(machine)


def _warn_of_libraries(candidate: Candidate) -> None:
    """Warn of other files for another machine, with their number: they are harmless unless they are loaded."""
    counts: dict[str, list[str]] = defaultdict(list)
    for path, native in candidate.natives.items():
        if native.system in ("macos", "windows"):
            counts[f"for {SYSTEMS[native.system]}"].append(path)
        elif native.elf and not _tag(path) and not path.endswith(".node"):
            fault = misfit(candidate.machine, native.elf)
            if fault:
                counts[f"that do not fit ({fault[0]})"].append(path)
    for what, paths in sorted(counts.items()):
        candidate.warn(f"native files {what}: {len(paths)}, for instance {shown(paths[0])}")


def _warn_of_programs(candidate: Candidate) -> None:
    """Warn of programs that are not executable in the archive, and so cannot be started."""
    programs = [
        path
        for path, native in candidate.natives.items()
        if native.elf and native.elf.program and not misfit(candidate.machine, native.elf)
        if not _LIBRARY.search(path) and not candidate.entries[path].mode & 0o111
    ]
    if programs:
        candidate.warn(
            f"programs without the executable bit, which cannot be started: {len(programs)}, for instance"
            f" {shown(programs[0])}; set it (chmod +x) before packing, and pack on Linux or macOS so that it is kept"
        )
