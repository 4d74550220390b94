"""Compile Python sources at bundle time, so that no cold start pays for it.

The files are unchecked-hash ones (PEP 552): the bundle is immutable, so the import need not compare them with the
source. Compilers run as child processes that are given their files on stdin, because Lambda has no /dev/shm for
multiprocessing's pools.
"""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from deployer.model.entry import Entry

COMPILE = ("-m", "compileall", "-qq", "-f", "--invalidation-mode", "unchecked-hash", "-i", "-")
_WORTH_A_COMPILER = 100
"""Files for which a further process is worth its start."""


def compile_sources(tree: Path, entries: Sequence[Entry], python: tuple[int, int] | None, threads: int) -> list[Entry]:
    """Write a .pyc beside every source in `tree` and describe them; sources that do not compile are left alone.

    Nothing is written through a link. Gives nothing for a release that is not Python, or is for another Python than
    the running one.
    """
    if python != sys.version_info[:2]:
        return []
    links = {entry.path for entry in entries if entry.kind == "symlink"}
    files = [entry for entry in entries if entry.kind == "file" and entry.path.endswith(".py")]
    sources = [entry for entry in files if links.isdisjoint((_bytecode_of(entry), _cache_of(entry)))]
    paths = [str(tree / entry.path) for entry in sources]
    share = min(threads, 1 + len(paths) // _WORTH_A_COMPILER)
    compilers = [_compiler(paths[first::share]) for first in range(share)]
    for compiler in compilers:
        compiler.wait()
    return [_describe(tree, path) for path in map(_bytecode_of, sources) if (tree / path).is_file()]


def _compiler(paths: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start compiling `paths`; names that hold a newline cannot be listed and stay uncompiled."""
    compiler = subprocess.Popen(  # noqa: S603 - our own interpreter, isolated from the archive's modules by -I
        (sys.executable, "-I", *COMPILE), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if compiler.stdin:
        compiler.stdin.write("".join(f"{path}\n" for path in paths if "\n" not in path).encode())
        compiler.stdin.close()
    return compiler


def _cache_of(source: Entry) -> str:
    return str(PurePosixPath(source.path).parent / "__pycache__")


def _bytecode_of(source: Entry) -> str:
    return f"{_cache_of(source)}/{PurePosixPath(source.path).stem}.{sys.implementation.cache_tag}.pyc"


def _describe(tree: Path, path: str) -> Entry:
    content = (tree / path).read_bytes()
    return Entry(path=path, kind="file", mode=0o644, size=len(content), sha256=hashlib.sha256(content).hexdigest())
