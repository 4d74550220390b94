"""The applications that are measured, each made once under .cache/benchmarks and kept."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from bootstrap.pointer import Pointer
from deployer.bundle import BuildOptions, build, compress
from deployer.model.profile import Profile
from tests.applications import entries, write
from tests.object_store import BUCKET

CACHE = Path(".cache/benchmarks").resolve()
MB = 1_000_000
LEVEL = 9
"""At which bundles are compressed: always the same, so that a busy machine does not change what is measured."""
SCIENCE = ("pandas", "scipy", "scikit-learn", "pyarrow")
LARGEST = ("tensorflow-cpu",)
ZAPPA = ("zappa==0.63.0", "werkzeug", "markupsafe", "durationpy")
"""What its handler imports, besides boto3."""
IMPORTS_A = "import pandas, pyarrow.parquet, scipy.sparse, scipy.stats, sklearn.ensemble, sklearn.linear_model"
IMPORTS_B = "import tensorflow"
HANDLER = """\
{}
import os, time
with open(os.environ.get("IMPORTED", os.devnull), "w") as file:
    file.write(str(time.time()))

def handler(event, context):
    return 'ready'
"""


class Packed(NamedTuple):
    """One set, ready to be served: the tree, the bundle and what a peer would upload."""

    name: str
    tree: Path
    bundle: Path
    zip: Path
    tar: Path
    pointer: Pointer


def packed(name: str, budget: timedelta, profile: Profile | None = None) -> Packed:
    """Make a set and its bundle, unless they are there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    tree = CACHE / name
    if not tree.exists():
        staging = CACHE / f"{name}.new"
        shutil.rmtree(staging, ignore_errors=True)
        MAKERS[name](staging)
        staging.rename(tree)
    bundle = CACHE / f"{name}{'-profiled' if profile else ''}.tar.zst"
    archive, tar = CACHE / f"{name}.zip", CACHE / f"{name}.tar.gz"
    return Packed(name, tree, bundle, archive, tar, _pointer(tree, bundle, budget, profile))


def pack_for_peers(made: Packed) -> None:
    """Make what the peers load, unless it is there."""
    if not made.zip.exists():
        subprocess.run(["zip", "-q", "-r", "-y", made.zip, "."], cwd=made.tree, check=True)
    if not made.tar.exists():
        subprocess.run(["tar", "-czf", made.tar, "-C", made.tree, "."], check=True)


def _pointer(tree: Path, bundle: Path, budget: timedelta, profile: Profile | None) -> Pointer:
    """Build the bundle unless it is there; the pointer is kept beside it."""
    kept = bundle.with_suffix(".pointer")
    if not kept.exists():
        compress.SPEEDS = {LEVEL: 1e6, 1: 1e6}
        plan = BuildOptions(
            python=sys.version_info[:2], budget=budget, threads=os.cpu_count() or 1, profile=profile or Profile()
        )
        with bundle.open("wb") as file:
            built = build(tree, entries(tree), file.write, plan)
        place = (BUCKET, bundle.name, "1", built.offset, built.index_size, built.index_sha256)
        kept.write_text(
            Pointer(*place, "python", "app.handler", (), bundle.name, "0" * 32, "", built.unpacked).encode()
        )
    return Pointer.parse(kept.read_text())


def zappa() -> Path:
    """Give the folder that Zappa is installed in."""
    folder = CACHE / "zappa"
    if not folder.exists():
        _install(folder.with_suffix(".new"), "--no-deps", *ZAPPA)
        folder.with_suffix(".new").rename(folder)
    return folder


def _install(tree: Path, *what: str) -> None:
    """Install as `pip install --target` does, bytecode included."""
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "-q"]
    where = ["--python", sys.executable, "--target", str(tree), "--compile-bytecode"]
    subprocess.run([*uv, *where, *what], check=True)


def _installed(tree: Path, packages: tuple[str, ...], imports: str) -> None:
    _install(tree, *packages)
    write(tree, {"app.py": HANDLER.format(imports)})


def _a(tree: Path) -> None:
    """About 0.5 GB: pandas, scipy, scikit-learn, pyarrow."""
    _installed(tree, SCIENCE, IMPORTS_A)


def _b(tree: Path) -> None:
    """The largest that installs from PyPI for CPUs."""
    _installed(tree, LARGEST, IMPORTS_B)


def _c(tree: Path) -> None:
    """A and 500 MB of weights that do not compress; the handler reads them, the import does not."""
    _a(tree)
    _random_file(tree / "weights.bin", 500)


def _d(tree: Path) -> None:
    """One file of 2 GB, half of it compressible."""
    write(tree, {"app.py": HANDLER.format("import json")})
    _random_file(tree / "data.bin", 2000, share=0.5)


def _e(tree: Path) -> None:
    """50,000 small files."""
    lines = random.Random(5)  # noqa: S311 - test data
    files = {"app.py": HANDLER.format("import json")}
    for number in range(50_000):
        text = "".join(f"value_{lines.randrange(1 << 30)} = {lines.random()}\n" for _ in range(lines.randrange(1, 80)))
        files[f"package_{number // 250}/file_{number}.txt"] = text
    write(tree, files)


def _random_file(path: Path, megabytes: int, share: float = 1.0) -> None:
    with path.open("wb") as file:
        for _ in range(megabytes):
            noise = os.urandom(int(MB * share))
            file.write(noise + bytes(MB - len(noise)))


def _f(tree: Path) -> None:
    """5 GB in files of 50 MB, half of it compressible: for peak memory and disk."""
    write(tree, {"app.py": HANDLER.format("import json")})
    for number in range(100):
        _random_file(tree / f"data_{number}.bin", 50, share=0.5)


MAKERS: dict[str, Callable[[Path], None]] = {"A": _a, "B": _b, "C": _c, "D": _d, "E": _e, "F": _f}
