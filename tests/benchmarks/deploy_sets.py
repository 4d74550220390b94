"""The archives that are dropped: a first release, one changed source file, and a changed dependency besides."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.sets import CACHE, HANDLER, IMPORTS_A, IMPORTS_B, LARGEST, SCIENCE

SMALL = ("numpy", "pydantic", "requests")
SETS = {
    "A": (SCIENCE, IMPORTS_A, "scikit-learn"),
    "B": (LARGEST, IMPORTS_B, "grpcio"),
    "S": (SMALL, "import numpy, pydantic, requests", "urllib3"),
}
"""Packages to install, modules to import, and the dependency that changes to the version before its newest one."""
MANIFEST = """\
[application]
handler = "app.handler"
[rollout]
strategy = "all-at-once"
[resources]
memory = 3008
timeout = 300
ephemeral-storage = 4096
"""
FOLDER = CACHE / "deploys"


def archives(name: str) -> dict[str, Path]:
    """Make the archives of a set once; return them by their case."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    tree = FOLDER / name
    packages, imports, dependency = SETS[name]
    if not tree.exists():
        staging = FOLDER / f"{name}.new"
        shutil.rmtree(staging, ignore_errors=True)
        install(staging, *packages)
        (staging / "app.py").write_text(HANDLER.format(imports))
        (staging / "dropshift.toml").write_text(MANIFEST)
        staging.rename(tree)
    first, one_file, other = (FOLDER / f"{name}-{case}.zip" for case in ("first", "one-file", "one-dependency"))
    if not first.exists():
        _zip(tree, first)
    if not one_file.exists():
        _with_change(tree, one_file)
    if not other.exists():
        changed = FOLDER / f"{name}.changed"
        shutil.copytree(tree, changed, symlinks=True, dirs_exist_ok=True)
        _change(changed, dependency)
        _with_change(changed, other)
        shutil.rmtree(changed)
    return {"first": first, "one-file": one_file, "one-dependency": other, "same": other}


def install(tree: Path, *what: str) -> None:
    """Install as a build does."""
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "-q"]
    subprocess.run([*uv, "--python", sys.executable, "--target", str(tree), *what], check=True)


def _change(tree: Path, dependency: str) -> None:
    """Put the version before its newest one in a dependency's place."""
    [info] = tree.glob(f"{dependency.replace('-', '_')}-*.dist-info")
    version = info.name.removesuffix(".dist-info").rpartition("-")[2]
    shutil.rmtree(info)
    install(tree, "--no-deps", f"{dependency}<{version}")


def _with_change(tree: Path, target: Path) -> None:
    """Pack a tree with one more line in the handler's file."""
    source = tree / "app.py"
    before = source.read_text()
    source.write_text(f"{before}CHANGED = {target.stem!r}\n")
    _zip(tree, target)
    source.write_text(before)


def _zip(tree: Path, target: Path) -> None:
    staging = target.with_suffix(".new.zip")
    staging.unlink(missing_ok=True)
    subprocess.run(["zip", "-q", "-r", "-y", staging, "."], cwd=tree, check=True)
    staging.rename(target)
