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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from deployer.bundle.plan import BuildOptions
from deployer.bundle.recipe import Earlier
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


class Bytecode:
    """The bytecode that is shipped beside sources; what an earlier bundle has is made only when its bytes are needed.

    Nothing is written through a link. There is none for a release that is not Python, and none for sources that do not
    compile.
    """

    def __init__(self, tree: Path, entries: Sequence[Entry], options: BuildOptions, earlier: Earlier | None) -> None:
        """Compile what no earlier bundle has."""
        self._tree, self._options = tree, options
        self._sources = _sources(entries, options)
        self._given = {entry.path: entry.sha256 for entry in entries}
        known = {path: earlier.bytecode_of(source, path) if earlier else None for path, source in self._sources.items()}
        self._made = {path: entry for path, entry in known.items() if entry}
        self._absent = set(self._made)
        self._make(path for path in self._sources if path not in self._made)

    @property
    def entries(self) -> list[Entry]:
        """Return what is shipped."""
        return [self._made[path] for path in self._sources if path in self._made]

    @property
    def paths(self) -> frozenset[str]:
        """Return where it lies."""
        return frozenset(self._made)

    def complete(self, paths: Iterable[str]) -> bool:
        """Make the bytecode that is missing at some paths; return whether any was: then all is to be laid out anew.

        The bytes may differ from the earlier ones: marshal marks what has more than one reference at that moment.
        """
        missing = self._absent.intersection(paths)
        self._absent -= missing
        for path in missing:
            del self._made[path]
        self._make(missing)
        return bool(missing)

    def _make(self, paths: Iterable[str]) -> None:
        sources = [self._sources[path] for path in sorted(paths)]
        compile_sources(self._tree, sources, self._options)
        for source in sources:
            path = _bytecode_of(source.path, _tag(self._options))
            made = _describe(self._tree, path) if (self._tree / path).is_file() else None
            if made and made.sha256 != self._given.get(path):  # otherwise it is the release's own
                self._made[path] = made


def _sources(entries: Sequence[Entry], options: BuildOptions) -> dict[str, Entry]:
    """Return the sources to compile by the path of their bytecode."""
    if options.python is None:
        return {}
    tag = _tag(options)
    links = {entry.path for entry in entries if entry.kind == "symlink"}
    files = [entry for entry in entries if entry.kind == "file" and entry.path.endswith(".py")]
    found = {_bytecode_of(one.path, tag): one for one in files}
    return {path: one for path, one in found.items() if links.isdisjoint((path, _cache_of(one.path)))}


def _tag(options: BuildOptions) -> str:
    return "cpython-{}{}".format(*(options.python or ()))


def compile_sources(tree: Path, sources: Sequence[Entry], options: BuildOptions) -> None:
    """Write a .pyc beside every source; sources that do not compile are left alone."""
    if options.python is None or not sources:
        return
    command = (*_interpreter(options.python, options.pythons), str(COMPILER), str(tree), NOT_OPTIMIZED)
    compilers = _Compilers(command, options.threads)
    with ThreadPoolExecutor(options.threads) as pool:
        list(pool.map(compilers.compile, _batches(sources)))


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
