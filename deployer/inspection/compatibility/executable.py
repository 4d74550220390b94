"""Pure: whether an executable or a command exists and can be started."""

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.elf import Elf
from deployer.inspection.compatibility.native_code import SYSTEMS, misfit
from deployer.inspection.compatibility.probe import Native
from deployer.model.entry import Entry

_LOADERS = {"x86_64": "ld-linux-x86-64.so.2", "arm64": "ld-linux-aarch64.so.1"}
"""glibc's program interpreters, in the library directories of Amazon Linux."""
_BROUGHT = ("/opt/", "/tmp/", "/var/task/")  # noqa: S108 - a layer's, the release's
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_CHMOD = "set it (chmod +x) before packing, and pack on Linux or macOS so that it is kept"


def check(candidate: Candidate, command: tuple[str, ...]) -> None:
    """Refuse a command whose first word cannot be started."""
    word = command[0]
    path = word.removeprefix("./")
    entry = candidate.file(path)
    if entry is None:
        _missing(candidate, word, path)
        return
    if word == path and "/" not in word:
        candidate.warn(f"{shown(word)} is searched on PATH; write ./{shown(word)} for the file in the release")
    if entry.mode & 0o111 == 0:
        candidate.refuse(path, "not executable: its executable bit is not set", "executable programs", _CHMOD)
    _check_content(candidate, path, entry)


def _missing(candidate: Candidate, word: str, path: str) -> None:
    if word.startswith("/") or "/" not in word:
        return  # a program of the runtime's, or of a layer
    remedy = candidate.deeper([path]) or "add it, or name the right one in dropshift.toml: [application] command"
    candidate.lack(path, "no such file in the archive, but it is the command", "a program in the archive", remedy)


def _check_content(candidate: Candidate, path: str, entry: Entry) -> None:
    native = candidate.probe.natives.get(entry.path)
    if native is None:
        text = candidate.text(path)
        native = Native("script", first_line=text.partition(b"\n")[0]) if text and text.startswith(b"#!") else None
    if native is None:
        candidate.refuse(
            path,
            "neither a Linux program nor a script with a #! line",
            "an ELF file or a #! line",
            "build it for Linux",
        )
    elif native.system == "script":
        if native.first_line.endswith(b"\r"):
            candidate.refuse(path, "a #! line that ends in CR LF", "lines that end in LF", "convert it with dos2unix")
    elif native.system != "linux" or native.elf is None:
        candidate.refuse(path, f"a program for {SYSTEMS[native.system]}", "programs for Linux", "build it for Linux")
    else:
        _check_elf(candidate, path, native.elf)


def _check_elf(candidate: Candidate, path: str, elf: Elf) -> None:
    fault = misfit(candidate.machine, elf)
    if fault:
        candidate.refuse(path, *fault)
        return
    loader = _LOADERS.get(candidate.machine.architecture, "")
    known = [f"{directory}/{loader}" for directory in _LIBRARIES]
    if not elf.interpreter or elf.interpreter in known or elf.interpreter.startswith(_BROUGHT):
        return
    found = f"a program that is started by {shown(elf.interpreter)}"
    candidate.refuse(path, found, f"{loader}, or a static program", "link it on an ordinary Linux, or statically")
