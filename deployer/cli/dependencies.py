"""Dependencies for a function's machine, on any machine: wheels by uv, Node's packages by npm."""

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path

from deployer.cli import screen
from deployer.cli.exits import Exit, StopError, refusal, unknown
from deployer.inspection.compatibility.runtime import GLIBC, Machine
from deployer.model.function import Architecture, FunctionConfiguration
from deployer.model.problem import Problem

_LAST = 20
"""Lines of a tool's own words that are repeated."""
_NODE_CPU: dict[Architecture, str] = {"x86_64": "x64", "arm64": "arm64"}
_OF_THIS_MACHINE = ("uv_cache.json", ".lock", ".gitignore", "CACHEDIR.TAG")
"""Files of the installer's own, with the time or the place of the installation."""


def wheels(tree: Path, requirements: Path, function: FunctionConfiguration) -> None:
    """Install what a file requires into a tree, from wheels that the function can import."""
    machine = Machine.of(function)
    if machine.python is None:
        raise refusal("--runtime", function.runtime, "a Python's, as there are requirements", "--runtime python3.13")
    version = ".".join(map(str, machine.python))
    platform = f"{machine.wheel_architecture}-manylinux_{GLIBC[0]}_{GLIBC[1]}"
    command = [_uv(), "pip", "install", "--quiet", "--target", str(tree), "--requirements", str(requirements)]
    where = ["--python", sys.executable, "--python-version", version, "--python-platform", platform]
    how = ["--only-binary", ":all:", "--link-mode", "copy", "--no-compile-bytecode"]
    with screen.working(f"installing {requirements.name} for {function.runtime} on {function.architecture}"):
        _run([*command, *where, *how], "requirements", "uv")
    _forget_this_machine(tree)


def _forget_this_machine(tree: Path) -> None:
    """Remove what differs from one installation to the next: scripts with this Python's path, locks and times."""
    for name in _OF_THIS_MACHINE:
        for path in tree.glob(name) if name.startswith((".", "C")) else tree.glob(f"*.dist-info/{name}"):
            path.unlink()
    scripts = {path.name for path in (tree / "bin").glob("*") if _is_script(path)}
    for name in scripts:
        (tree / "bin" / name).unlink()
    if scripts and not any((tree / "bin").iterdir()):
        (tree / "bin").rmdir()
    for record in tree.glob("*.dist-info/RECORD"):
        _keep_records_of_what_is_there(record, tree)


def _is_script(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return sys.executable.encode() in file.read(4_096)


def _keep_records_of_what_is_there(record: Path, tree: Path) -> None:
    with record.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row and (tree / row[0]).exists()]
    kept = io.StringIO()
    csv.writer(kept, lineterminator="\n").writerows(sorted(rows))
    record.write_text(kept.getvalue())


def npm(tree: Path, architecture: Architecture) -> None:
    """Install what package-lock.json names into a tree, for Linux."""
    if not (tree / "package-lock.json").is_file():
        remedy = "`npm install --package-lock-only` writes it; keep it with the source"
        raise refusal("package.json", "no package-lock.json beside it", "versions that are locked", remedy)
    tool = shutil.which("npm")
    if tool is None:
        raise unknown("npm", "not on PATH", "Node.js with npm", "install Node.js from https://nodejs.org")
    where = ["--os=linux", f"--cpu={_NODE_CPU[architecture]}", "--libc=glibc"]
    with screen.working("installing package-lock.json for Linux"):
        _run([tool, "ci", "--omit=dev", "--no-audit", "--no-fund", "--no-progress", *where], "npm ci", "npm", tree)


def _uv() -> str:
    """Return uv: the one that was installed with this command, or the one on PATH."""
    for found in (Path(sys.executable).with_name("uv"), shutil.which("uv")):
        if found and _answers(str(found)):
            return str(found)
    remedy = "install it (https://docs.astral.sh/uv/), or this command with its extra: uv tool install '.[pack]'"
    raise unknown("uv", "not on PATH", "uv, which knows the wheels of other machines", remedy)


def _answers(tool: str) -> bool:
    """Return whether a tool runs: a shim of pyenv may lead nowhere."""
    if not Path(tool).is_file():
        return False
    return subprocess.run([tool, "--version"], capture_output=True, check=False).returncode == 0  # noqa: S603 - uv


def _run(command: list[str], what: str, tool: str, folder: Path | None = None) -> None:
    """Run a tool; a StopError in its own words when it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - uv and npm
    if done.returncode == 0:
        return
    last = (done.stderr or done.stdout).strip().splitlines()[-_LAST:]
    screen.err(*(f"{tool}: {line}" for line in last))
    found = f"{tool} ended with exit status {done.returncode}; its last lines are above"
    remedy = "correct the file that names them; a package without a wheel for Lambda cannot be installed here"
    raise StopError([Problem.of(what, found, "packages that can be installed", remedy)], Exit.REFUSED)
