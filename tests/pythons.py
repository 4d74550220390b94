"""The Pythons that functions run on: as runtimes with AWS's client, and bare, as they compile bundles. Made by make."""

import functools
import os
import subprocess
import sys
from pathlib import Path

from tests.local.waiting import alone

ROOT = Path(__file__).resolve().parents[1]
OWN = "{}.{}".format(*sys.version_info)
"""The version that runs the tests and the deployer."""
VERSION = os.environ.get("RUNTIME_PYTHON", OWN)
"""The version that runs applications in the tests of the bootstrap."""


class MissingPythonError(RuntimeError):
    """This machine has no Python of a version that a function asks for; the message has the way to get one."""


def number(version: str) -> tuple[int, int]:
    """Return `3.14` as numbers."""
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def tag(version: str = VERSION) -> str:
    """Return what names the bytecode of a version."""
    return f"cpython-{version.replace('.', '')}"


@functools.cache
def runtime(version: str = VERSION) -> Path:
    """Return the interpreter that runs functions of this version; raises MissingPythonError."""
    return _made(f"build/runtimes/{version}") / "bin" / "python"


@functools.cache
def compilers() -> Path:
    """Return the folder of bare interpreters, one for each version but our own."""
    made = [_made(f"build/pythons/host/{version}") for version in others()]
    return made[0].parent


@functools.cache
def others() -> tuple[str, ...]:
    """Return the versions that are served beside our own, as the Makefile lists them."""
    return tuple(version for version in served() if version != OWN)


@functools.cache
def served() -> tuple[str, ...]:
    """Return the versions that the Makefile packages for."""
    [line] = [one for one in (ROOT / "Makefile").read_text().splitlines() if one.startswith("VERSIONS :=")]
    return tuple(line.partition(":=")[2].split())


def _made(directory: str) -> Path:
    with alone(ROOT / "build"):
        made = subprocess.run(
            ["make", "-s", "-C", ROOT, f"{directory}/ready"], capture_output=True, text=True, check=False
        )
    if made.returncode:
        raise MissingPythonError(made.stderr.strip())
    return ROOT / directory
