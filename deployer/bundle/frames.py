"""Cut the tar stream of a tree into raw frames at file boundaries where possible, remembering where each file lies."""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bootstrap.index import Slice
from deployer.archive.values import Entry
from deployer.bundle.order import Layout

COLD = 4 << 20
"""Raw bytes of a frame: long enough to compress well, short enough to share among workers and connections."""
HOT = 2 << 20
"""Raw bytes of a frame that the import waits for; shorter, so that the first files are in place sooner."""


class RawFrame(NamedTuple):
    """The bytes of one frame before compression, and what of them belongs to which file."""

    data: bytes
    slices: list[Slice]
    hot: bool


class _Piece(NamedTuple):
    """Tar bytes that stay in one frame: a header, some of a file's content, the padding after its end."""

    header: bytes
    content: bytes
    padding: bytes
    files: list[int]
    """Numbers of the files that hold `content`: the file itself and those identical to it."""
    position: int
    hot: bool

    @property
    def size(self) -> int:
        return len(self.header) + len(self.content) + len(self.padding)


def cut(tree: Path, layout: Layout) -> Iterator[RawFrame]:
    """Give the frames of the tar stream in order; a file above a frame's size spans several."""
    data, slices, hot = bytearray(), list[Slice](), True
    for piece in _pieces(tree, layout):
        if data and (piece.hot != hot or len(data) + piece.size > (HOT if hot else COLD)):
            yield RawFrame(bytes(data), slices, hot)
            data, slices = bytearray(), []
        hot = piece.hot
        if piece.files:
            offset = len(data) + len(piece.header)
            slices.append(Slice(offset, len(piece.content), piece.position, piece.files))
        data += piece.header + piece.content + piece.padding
    yield RawFrame(bytes(data), slices, hot)


def _pieces(tree: Path, layout: Layout) -> Iterator[_Piece]:
    for entry in (*layout.directories, *layout.links):
        yield _Piece(_header(entry), b"", b"", [], 0, hot=True)
    copies = _copies(layout.files)
    for number, entry in enumerate(layout.files):
        first = copies[_identity(entry)][0]
        if first == number:
            yield from _file(tree, entry, copies[_identity(entry)], hot=number < layout.hot)
        else:
            yield _Piece(_header(entry, layout.files[first].path), b"", b"", [], 0, hot=number < layout.hot)
    yield _Piece(bytes(2 * tarfile.BLOCKSIZE), b"", b"", [], 0, hot=layout.hot == len(layout.files))


def _file(tree: Path, entry: Entry, files: list[int], *, hot: bool) -> Iterator[_Piece]:
    limit = HOT if hot else COLD
    header = _header(entry)
    with (tree / entry.path).open("rb") as source:
        for position in range(0, max(entry.size, 1), limit):
            length = min(limit, entry.size - position)
            content = source.read(length)
            if len(content) != length:
                raise OSError(f"{entry.path} is shorter than {entry.size} bytes: it changed while it was bundled")
            last = position + length == entry.size
            padding = bytes(-entry.size % tarfile.BLOCKSIZE) if last else b""
            yield _Piece(header if position == 0 else b"", content, padding, files, position, hot)


def _copies(files: Sequence[Entry]) -> dict[tuple[str | None, int], list[int]]:
    """Group identical files, first one first: their bytes travel once."""
    groups: dict[tuple[str | None, int], list[int]] = {}
    for number, entry in enumerate(files):
        groups.setdefault(_identity(entry), []).append(number)
    return groups


def _identity(entry: Entry) -> tuple[str | None, int]:
    """Tell which files may share bytes; empty ones have none to share."""
    return (entry.sha256 if entry.size and entry.sha256 else entry.path, entry.mode)


def _header(entry: Entry, identical_to: str | None = None) -> bytes:
    member = tarfile.TarInfo(entry.path)
    member.mode = entry.mode
    if entry.kind == "directory":
        member.type = tarfile.DIRTYPE
    elif entry.kind == "symlink":
        member.type, member.linkname = tarfile.SYMTYPE, entry.target or ""
    elif identical_to is not None:
        member.type, member.linkname = tarfile.LNKTYPE, identical_to
    else:
        member.size = entry.size
    return member.tobuf(tarfile.PAX_FORMAT)
