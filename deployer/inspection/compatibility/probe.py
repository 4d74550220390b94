"""A sink that finds out, while the archive's files are streamed, on which machine they can run.

Sources and small descriptions are kept, because only the manifest names the one that matters, and it may come last. Of
all other files the first bytes are read, and of ELF files the parts that their loader reads.
"""

import tempfile
from typing import NamedTuple

from deployer.inspection.compatibility import elf
from deployer.inspection.compatibility.elf import Elf
from deployer.inspection.compatibility.elf_segments import MAGIC
from deployer.inspection.compatibility.excerpt import Excerpt
from deployer.model.manifest import NAME

SOURCE = 2**20
"""The most bytes of a source file or description that are kept."""
KEPT = 256 * 2**20
"""The most bytes that are kept in all, nearly all on disk: half of a Lambda function's smallest disk."""
_MEMORY = 16 * 2**20
_HEAD = 256
_SOURCES = (
    ".py",
    ".js",
    ".mjs",
    ".cjs",
    ".pyc",
    ".pth",
    ".dist-info/WHEEL",
    ".dist-info/direct_url.json",
    f"/{NAME}",
)
_CACHE = "/__pycache__/"
"""Python ignores bytecode there if its source is missing."""


class Native(NamedTuple):
    """A file that Python or Node.js does not read as a source: a binary or a script."""

    system: str
    """linux, macos, windows or script."""
    elf: Elf | None = None
    first_line: bytes = b""


class Probe:
    """A sink that collects every native file and the text of every source."""

    def __init__(self) -> None:
        self.natives: dict[str, Native] = {}
        self._kept: dict[str, tuple[int, int]] = {}
        self._spool = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115 - closed with the probe
        self._end = 0
        self._path = ""
        self._size = 0
        self._head = b""
        self._keep = False
        self._excerpt: Excerpt | None = None

    def begin(self, path: str, size: int) -> None:
        """Start a file."""
        self._path, self._size, self._head, self._excerpt = path, size, b"", None
        source = f"/{path}".endswith(_SOURCES) and _CACHE not in f"/{path}"
        self._keep = source and size <= SOURCE and (path == NAME or self._end + size <= KEPT)
        self._spool.seek(self._end)

    def write(self, piece: bytes) -> None:
        """Read the first bytes, and keep the others if the file is one to keep."""
        if self._keep:
            self._spool.write(piece)
        elif self._excerpt:
            self._excerpt.write(piece)
        elif len(self._head) < _HEAD:
            start = self._head + piece
            self._head = start[:_HEAD]
            if start.startswith(MAGIC):
                self._excerpt = Excerpt(self._spool, self._end, self._size)
                self._excerpt.write(start)

    def end(self) -> None:
        """Record the kind of the file."""
        if self._excerpt:
            self.natives[self._path] = Native("linux", elf.parse(self._excerpt, self._size))
        elif self._keep:
            self._kept[self._path] = (self._end, self._size)
            self._end += self._size
        elif system := _system(self._head):
            self.natives[self._path] = Native(system, first_line=self._head.partition(b"\n")[0])

    def repeat(self, path: str, earlier: str) -> None:
        """Record a hard link with the kind of the file that it links to."""
        if earlier in self.natives:
            self.natives[path] = self.natives[earlier]
        if earlier in self._kept:
            self._kept[path] = self._kept[earlier]

    def text(self, path: str) -> bytes | None:
        """Return a kept file's bytes."""
        if path not in self._kept:
            return None
        offset, size = self._kept[path]
        self._spool.seek(offset)
        return self._spool.read(size)

    def kept(self, ending: str) -> list[str]:
        """Return the paths of kept files with an ending."""
        return [path for path in self._kept if path.endswith(ending)]

    def close(self) -> None:
        """Forget the kept bytes."""
        self._spool.close()


def _system(head: bytes) -> str | None:
    if head.startswith(b"#!"):
        return "script"
    if head.startswith(b"MZ"):
        return "windows"
    fat = head[:4] == b"\xca\xfe\xba\xbe" and int.from_bytes(head[4:8], "big") < _JAVA
    return "macos" if fat or head[:4] in (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe") else None


_JAVA = 43
"""Parts of a macOS universal binary are fewer. A Java class, with the same magic, has its version there: 45 or more."""
