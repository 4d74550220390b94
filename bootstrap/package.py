"""Put the bootstrap's package together: package.py TARGET [--zstd FOLDER] [--compiler ...]. Runs at build time only.

The package holds bootstrap.py and bootstrap.mjs, which the runtimes look for, and `_dropshift`, a name that no
application's module has. `_dropshift` holds Node's modules. For Python it also holds our bytecode and, for a Python
without zstd, its native module. The bytecode is compiled beforehand: /var/task is read-only, so that every cold start
would compile it again.
"""

import argparse
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

LIMIT = 1_250_000
"""Bytes, unzipped."""
ENTRIES = ("bootstrap.py", "bootstrap.mjs")
BUILD_ONLY = ("package.py",)
OPTIMIZATION = "2"
"""Without docstrings and asserts."""


def assemble(target: Path, compiler: Sequence[str | Path] = (), zstd: Path | None = None) -> int:
    """Write the package into `target`. Return its size in bytes; raises ValueError when it is too large.

    `compiler` compiles for the function's Python, see deployer/bundle/compiler.py. Without it the package is for Node.
    """
    source, inner = Path(__file__).parent, target / "_dropshift"
    for old in (inner, target / "__pycache__"):
        shutil.rmtree(old, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    for entry in ENTRIES:
        shutil.copyfile(source / entry, target / entry)
    shutil.copytree(source / "node", inner / "node")
    if compiler:
        _copy_modules(source, inner)
        _compile(target, compiler)
    for native in zstd.glob("_zstd.*.so") if zstd else ():
        shutil.copyfile(native, inner / "loader" / native.name)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    if size > LIMIT:
        raise ValueError(f"the bootstrap's package has {size} bytes, more than {LIMIT}: see what has grown in {target}")
    return size


def _copy_modules(source: Path, inner: Path) -> None:
    for module in source.rglob("*.py"):
        if module.name not in (*ENTRIES, *BUILD_ONLY):
            place = inner / module.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(module, place)


def _compile(target: Path, compiler: Sequence[str | Path]) -> None:
    """Compile all, then keep only the bytecode in `_dropshift`, where an import finds it without its source."""
    sources = sorted(target.rglob("*.py"))
    names = "".join(f"{path.relative_to(target)}\0" for path in sources)
    subprocess.run([*compiler, target, OPTIMIZATION], input=names.encode(), check=True)  # noqa: S603 - make names it
    for module in (target / "_dropshift").rglob("*.py"):
        [bytecode] = (module.parent / "__pycache__").glob(f"{module.stem}.*.pyc")
        bytecode.rename(module.with_suffix(".pyc"))
        module.unlink()
    for empty in (target / "_dropshift").rglob("__pycache__"):
        empty.rmdir()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--zstd", type=Path)
    parser.add_argument("--compiler", nargs=argparse.REMAINDER, default=[])
    given = parser.parse_args()
    assemble(given.target, given.compiler, given.zstd)
