"""The bootstrap and the bundles of an earlier commit, to be measured beside today's: python -m tests.benchmarks.before.

The commit is unpacked below build/, makes its own package, bundle and profile, and is asked for nothing else.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import backports.zstd

from tests.benchmarks.sets import CACHE, LEVEL, Packed

COMMIT = "1f22c16"
"""The last commit in which the handler waited for every file."""
CHECKOUT = Path("build/before").resolve()
MAKE = """\
import sys
from datetime import timedelta
from pathlib import Path
from deployer.bundle import compress
from tests.benchmarks import recording, sets

name, level = sys.argv[1], int(sys.argv[2])
sets.CACHE = recording.CACHE = cache = Path(sys.argv[3])
compress.SPEEDS.clear()
compress.SPEEDS[level] = compress.SPEEDS[1] = 1e6

def made(suffix, profile):
    tree, bundle = cache / name, cache / f"before-{name}{suffix}.tar.zst"
    return sets.Packed(name, tree, bundle, bundle, bundle, sets._pointer(tree, bundle, timedelta(hours=1), profile))

made("-profiled", recording.recorded(made("", None)))
"""


class Before(NamedTuple):
    """The arguments of a start by the earlier commit."""

    package: Path
    pointer: str


def before(made: Packed) -> Before:
    """Return the earlier commit's package and its bundle of a set, made unless they are there."""
    pointer = CACHE / f"before-{made.name}-profiled.tar.pointer"
    package = CHECKOUT / "build" / "package"
    if not CHECKOUT.exists():
        CHECKOUT.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", COMMIT], check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", CHECKOUT], check=True, input=archive)
    if not package.exists():
        _run("bootstrap/package.py", str(_zstd()), str(package))
    if not pointer.exists():
        _run("-c", MAKE, made.name, str(LEVEL), str(CACHE))
    return Before(package, pointer.read_text())


def earlier_bundle(made: Packed) -> Path:
    """Return its file."""
    return CACHE / f"before-{made.name}-profiled.tar.zst"


def _run(*arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    subprocess.run([sys.executable, *arguments], cwd=CHECKOUT, env=environment, check=True)


def _zstd() -> Path:
    return Path(backports.zstd.__file__).parent
