"""The applications that are measured, each made once under .cache/benchmarks and kept."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bootstrap.pointer import Pointer
from deployer.bundle import BuildOptions, build, compress
from deployer.model.profile import Profile
from tests import pythons
from tests.applications import entries, write
from tests.object_store import BUCKET

CACHE = Path(".cache/benchmarks").resolve()
MB = 1_000_000
LEVEL = 9
"""At which bundles are compressed: always the same, so that a busy machine does not change what is measured."""
SCIENCE = ("pandas", "scipy", "scikit-learn", "pyarrow")
LARGEST = ("tensorflow-cpu",)
NEXT = ("next@16.4.6", "react@19.3.1", "react-dom@19.3.1", "sharp@0.35.5", "date-fns@4.4.0")
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
NODE_HANDLER = """\
const fs = require("node:fs");
const { default: NextServer } = require("next/dist/server/next-server");
const { createElement } = require("react");
const { renderToString } = require("react-dom/server");
const { format } = require("date-fns");
const sharp = require("sharp");
fs.writeFileSync(process.env.IMPORTED || "/dev/null", String(Date.now() / 1000));
exports.handler = async () => {
  const page = renderToString(createElement("p", null, format(0, "yyyy"), typeof NextServer));
  const image = await sharp({ create: { width: 64, height: 64, channels: 3, background: "red" } }).png().toBuffer();
  return [page, image.length];
};
"""


class Packed(NamedTuple):
    """One set, ready to be served: the tree, the bundle and what a peer would upload."""

    name: str
    runtime: str
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
        SETS[name].make(staging)
        staging.rename(tree)
    bundle = CACHE / f"{name}{'-profiled' if profile else ''}.tar.zst"
    archive, tar = CACHE / f"{name}.zip", CACHE / f"{name}.tar.gz"
    runtime = SETS[name].runtime
    return Packed(name, runtime, tree, bundle, archive, tar, _pointer(tree, bundle, budget, profile, runtime))


def pack_for_peers(made: Packed) -> None:
    """Make what the peers load, unless it is there."""
    if not made.zip.exists():
        subprocess.run(["zip", "-q", "-r", "-y", made.zip, "."], cwd=made.tree, check=True)
    if not made.tar.exists():
        subprocess.run(["tar", "-czf", made.tar, "-C", made.tree, "."], check=True)


def _pointer(
    tree: Path, bundle: Path, budget: timedelta, profile: Profile | None, runtime: str = f"python{pythons.OWN}"
) -> Pointer:
    """Build the bundle unless it is there; the pointer is kept beside it."""
    kept = bundle.with_suffix(".pointer")
    if not kept.exists():
        compress.SPEEDS = {LEVEL: 1e6, 1: 1e6}
        kind = runtime.rstrip("0123456789.x")
        python = pythons.number(runtime.removeprefix("python")) if kind == "python" else None
        plan = BuildOptions(
            python=python,
            pythons=pythons.compilers(),
            budget=budget,
            threads=os.cpu_count() or 1,
            profile=profile or Profile(),
        )
        with bundle.open("wb") as file:
            built = build(tree, entries(tree), file.write, plan)
        place = (BUCKET, bundle.name, "1", built.offset, built.index_size, built.index_sha256)
        kept.write_text(Pointer(*place, kind, "app.handler", (), bundle.name, "0" * 32, "", built.unpacked).encode())
    return Pointer.parse(kept.read_text())


def install(tree: Path, *what: str, python: Path = Path(sys.executable)) -> None:
    """Install as `pip install --target` does, bytecode included."""
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "-q"]
    where = ["--python", str(python), "--target", str(tree), "--compile-bytecode"]
    subprocess.run([*uv, *where, *what], check=True)


def install_from_npm(tree: Path, *what: str) -> None:
    """Install as `npm install` does."""
    write(tree, {"package.json": '{"private": true}'})
    flags = ["--silent", "--no-audit", "--no-fund", "--no-package-lock"]
    subprocess.run(["npm", "install", *flags, *what], cwd=tree, check=True)


def _installed(tree: Path, packages: tuple[str, ...], imports: str, python: Path = Path(sys.executable)) -> None:
    install(tree, *packages, python=python)
    write(tree, {"app.py": HANDLER.format(imports)})


def _a(tree: Path, version: str = "") -> None:
    """About 0.5 GB: pandas, scipy, scikit-learn, pyarrow."""
    _installed(tree, SCIENCE, IMPORTS_A, pythons.runtime(version) if version else Path(sys.executable))


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


def _n(tree: Path) -> None:
    """A Next.js server with sharp: about 300 MB in 15,000 files."""
    install_from_npm(tree, *NEXT)
    write(tree, {"app.js": NODE_HANDLER})


class Set(NamedTuple):
    """The recipe of a set, and the runtime of its function."""

    make: Callable[[Path], None]
    runtime: str = f"python{pythons.OWN}"


SETS = {
    **{name: Set(make) for name, make in (("A", _a), ("B", _b), ("C", _c), ("D", _d), ("E", _e), ("F", _f))},
    **{f"A-{one}": Set(partial(_a, version=one), f"python{one}") for one in pythons.others()},
    "N": Set(_n, "nodejs24.x"),
}
