"""Compile Python sources at bundle time, so that no cold start pays for it.

The files are unchecked-hash ones (PEP 552): the bundle is immutable, so the import need not compare them with the
source. Bytecode fits one version of Python, so an interpreter of the function's version makes it. Compilers run as
child processes that are given their files on stdin, because Lambda has no /dev/shm for multiprocessing's pools.
"""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from deployer.bundle.plan import BuildOptions
from deployer.model.entry import Entry

COMPILER = Path(__file__).with_name("compiler.py")
NOT_OPTIMIZED = "0"
_WORTH_A_COMPILER = 100
"""Files for which a further process is worth its start."""


def compile_sources(tree: Path, entries: Sequence[Entry], options: BuildOptions) -> list[Entry]:
    """Write a .pyc beside every source in `tree`. Return what was written; sources that do not compile are left alone.

    Nothing is written through a link. Return nothing for a release that is not Python.
    """
    if options.python is None:
        return []
    tag = "cpython-{}{}".format(*options.python)
    links = {entry.path for entry in entries if entry.kind == "symlink"}
    files = [entry.path for entry in entries if entry.kind == "file" and entry.path.endswith(".py")]
    sources = [path for path in files if links.isdisjoint((_bytecode_of(path, tag), _cache_of(path)))]
    share = min(options.threads, 1 + len(sources) // _WORTH_A_COMPILER)
    command = (*_interpreter(options.python, options.pythons), str(tree), NOT_OPTIMIZED)
    compilers = [_compiler(command, sources[first::share]) for first in range(share)]
    for compiler in compilers:
        compiler.wait()
    return [_describe(tree, path) for path in (_bytecode_of(one, tag) for one in sources) if (tree / path).is_file()]


def _interpreter(python: tuple[int, int], pythons: Path) -> tuple[str, ...]:
    """Return the command that compiles for this version: our own interpreter, or a bare one, which has the compiler."""
    if python == sys.version_info[:2]:
        return (sys.executable, "-I", str(COMPILER))
    return (str(pythons / "{}.{}".format(*python) / "python"),)


def _compiler(command: Sequence[str], sources: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start compiling `sources`. Both kinds of interpreter are isolated from the archive's modules."""
    compiler = subprocess.Popen(  # noqa: S603 - an interpreter of ours
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if compiler.stdin:
        compiler.stdin.write("".join(f"{path}\0" for path in sources).encode())
        compiler.stdin.close()
    return compiler


def _cache_of(source: str) -> str:
    return str(PurePosixPath(source).parent / "__pycache__")


def _bytecode_of(source: str, tag: str) -> str:
    return f"{_cache_of(source)}/{PurePosixPath(source).stem}.{tag}.pyc"


def _describe(tree: Path, path: str) -> Entry:
    content = (tree / path).read_bytes()
    return Entry(path=path, kind="file", mode=0o644, size=len(content), sha256=hashlib.sha256(content).hexdigest())
