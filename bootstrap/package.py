"""Put the bootstrap's package together: python bootstrap/package.py ZSTD_FOLDER TARGET. Runs at build time only.

The package holds bootstrap.py and bootstrap.mjs, which the runtimes look for, and `_dropshift`, which nobody's module
is called: our bytecode, and zstd's native module. Compiled beforehand, because /var/task is read-only and a cold start
would compile everything anew.
"""

import py_compile
import shutil
import sys
from pathlib import Path

LIMIT = 1_250_000
"""Bytes, unzipped."""
ENTRIES = ("bootstrap.py", "bootstrap.mjs")
BUILD_ONLY = ("package.py",)


def assemble(zstd: Path, target: Path) -> int:
    """Write the package into `target`. Return its size in bytes; raises ValueError when it is too large."""
    source, inner = Path(__file__).parent, target / "_dropshift"
    shutil.rmtree(inner, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    for entry in ENTRIES:
        shutil.copyfile(source / entry, target / entry)
    cached = target / "__pycache__" / f"bootstrap.{sys.implementation.cache_tag}.pyc"
    _compile(target / "bootstrap.py", cached, "/var/task/bootstrap.py")
    for module in sorted(source.rglob("*.py")):
        if module.name not in (*ENTRIES, *BUILD_ONLY):
            place = module.relative_to(source)
            _compile(module, (inner / place).with_suffix(".pyc"), f"_dropshift/{place}")
    for native in zstd.glob("_zstd.*.so"):
        shutil.copyfile(native, inner / "loader" / native.name)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    if size > LIMIT:
        raise ValueError(f"the bootstrap's package has {size} bytes, more than {LIMIT}: see what has grown in {target}")
    return size


def _compile(source: Path, bytecode: Path, shown_as: str) -> None:
    """Write bytecode that is never compared with its source, without docstrings and asserts."""
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(source), str(bytecode), shown_as, doraise=True, optimize=2, invalidation_mode=unchecked)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]), Path(sys.argv[2]))
