"""Compile Python sources at bundle time, so that no cold start pays for it.

The files are unchecked-hash ones (PEP 552): the bundle is immutable, so the import need not compare them with the
source. Bytecode fits one version of Python, so an interpreter of the function's version makes it. Compilers run as
child processes that are given their files on stdin, because Lambda has no /dev/shm for multiprocessing's pools.
"""

import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from deployer.bundle.plan import BuildOptions
from deployer.model.entry import Entry

COMPILER = Path(__file__).with_name("compiler.py")
NOT_OPTIMIZED = "0"
_FILES, _BYTES = 250, 4 << 20
"""Sources that one process compiles: so many, or of so many bytes."""
_MEMORY = 512 << 20
"""Bytes of address space for a compiler, or its share of what there is."""
_SECONDS = 30
"""Processor time for a compiler; these many bytes take a tenth of it."""
_LARGEST = 64 << 20
"""Bytes of one file of bytecode, while it is written."""
_DEATHS = 5
"""Number of sources that may end their compiler; the rest then stays uncompiled."""


def compile_sources(tree: Path, entries: Sequence[Entry], options: BuildOptions) -> list[Entry]:
    """Write a .pyc beside every source in `tree`. Return what was written; sources that do not compile are left alone.

    Nothing is written through a link. Return nothing for a release that is not Python.
    """
    if options.python is None:
        return []
    tag = "cpython-{}{}".format(*options.python)
    links = {entry.path for entry in entries if entry.kind == "symlink"}
    files = [entry for entry in entries if entry.kind == "file" and entry.path.endswith(".py")]
    sources = [one for one in files if links.isdisjoint((_bytecode_of(one.path, tag), _cache_of(one.path)))]
    command = (*_interpreter(options.python, options.pythons), str(COMPILER), str(tree), NOT_OPTIMIZED)
    compilers = _Compilers(command, options.threads)
    with ThreadPoolExecutor(options.threads) as pool:
        list(pool.map(compilers.compile, _batches(sources)))
    places = [_bytecode_of(source.path, tag) for source in sources]
    return [_describe(tree, path) for path in places if (tree / path).is_file()]


def _batches(sources: Sequence[Entry]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for source in sources:
        if batch and (len(batch) == _FILES or size + source.size > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(source.path)
        size += source.size
    yield batch


class _Compilers:
    """Processes that compile some sources each. What one of them does not survive is left out."""

    def __init__(self, command: Sequence[str], at_once: int) -> None:
        self._command = command
        self._memory = min(_MEMORY, _allowed(resource.RLIMIT_AS) // at_once)
        self._deaths = 0

    def compile(self, sources: Sequence[str]) -> None:
        """Compile all that can be."""
        while sources and self._deaths < _DEATHS:
            done = self._run(sources)
            self._deaths += done < len(sources)
            sources = sources[done + 1 :]

    def _run(self, sources: Sequence[str]) -> int:
        """Return how many of the sources a process was done with when it ended."""
        with subprocess.Popen(  # noqa: S603 - an interpreter of ours, isolated from the archive's modules
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
        ) as process:
            self._confine(process.pid)  # it has no sources yet
            return len(process.communicate("".join(f"{path}\0" for path in sources).encode())[0])

    def _confine(self, process: int) -> None:
        limits = (
            (resource.RLIMIT_AS, self._memory),
            (resource.RLIMIT_CPU, _SECONDS),
            (resource.RLIMIT_FSIZE, _LARGEST),
        )
        for which, limit in limits:
            allowed = min(limit, _allowed(which))
            resource.prlimit(process, which, (allowed, allowed))


def _allowed(which: int) -> int:
    """Return a limit of this process, which none that it starts can exceed."""
    limit = resource.getrlimit(which)[1]
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def _interpreter(python: tuple[int, int], pythons: Path) -> tuple[str, ...]:
    """Return the command that runs programs on this version: our own interpreter, or a bare one."""
    if python == sys.version_info[:2]:
        return (sys.executable, "-I")
    return (str(pythons / "{}.{}".format(*python) / "python"),)


def _cache_of(source: str) -> str:
    return str(PurePosixPath(source).parent / "__pycache__")


def _bytecode_of(source: str, tag: str) -> str:
    return f"{_cache_of(source)}/{PurePosixPath(source).stem}.{tag}.pyc"


def _describe(tree: Path, path: str) -> Entry:
    content = (tree / path).read_bytes()
    return Entry(path=path, kind="file", mode=0o644, size=len(content), sha256=hashlib.sha256(content).hexdigest())
