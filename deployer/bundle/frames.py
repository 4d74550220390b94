"""Cut the tar stream of a tree into raw frames at file boundaries where possible, remembering where each file lies."""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from backports import zstd

from bootstrap.index import Slice
from deployer.bundle.layout import Layout
from deployer.model.entry import Entry

LARGEST = 8 << 20
"""Raw bytes of a frame at most: zstd sees what repeats within it. At level 19, four frames of 2 MiB take 3 % more than
one of 8 MiB; one of 16 MiB would take 1 % less, 15 % longer to unpack, and its size of every loading process's memory.
"""
SMALLEST = 1 << 20
"""Raw bytes of the first and of the last frames, which everybody waits for: between them they grow and shrink with what
was and what is still to come, so that unpacking starts soon and all workers finish together."""
SHARE = 4
PACKED = 2 << 20
"""Bytes of a frame after compression, by a sample: a connection's buffer holds a frame."""
PIECE = 1 << 20
"""Raw bytes that are read at a time."""
SAMPLE = 64 << 10


class RawFrame(NamedTuple):
    """The bytes of one frame before compression, and what of them belongs to which file."""

    data: bytes
    slices: list[Slice]


class _Piece(NamedTuple):
    """Tar bytes that stay in one frame: a header, some of a file's content, the padding after its end."""

    header: bytes
    content: bytes
    padding: bytes
    files: list[int]
    """Numbers of the files that hold `content`: the file itself and those identical to it."""
    position: int
    rest: int
    """Bytes of the file from `position` on."""
    packed: float
    """Estimated bytes of `content` after compression."""
    kind: int
    """A frame holds pieces of one kind: of the first files, of hot or of cold ones."""

    @property
    def size(self) -> int:
        return len(self.header) + len(self.content) + len(self.padding)


class _Frame:
    """A frame in the making."""

    def __init__(self, limit: int, kind: int) -> None:
        self.data = bytearray()
        self.slices = list[Slice]()
        self.kind = kind
        self._limit = limit
        self._packed = 0.0

    def takes(self, piece: _Piece) -> bool:
        """Return whether a piece belongs here: always the first, later ones of the same kind while there is room.

        A file that fits a frame is not begun in one that has not enough room left.
        """
        whole = piece.rest if piece.position == 0 and piece.rest <= self._limit else len(piece.content)
        room = len(self.data) + len(piece.header) + whole <= self._limit
        return not self.data or (piece.kind == self.kind and room and self._packed + piece.packed <= PACKED)

    def add(self, piece: _Piece) -> None:
        """Append a piece; one that goes on where the last one of its file ended shares its slice."""
        offset, length = len(self.data) + len(piece.header), len(piece.content)
        last = self.slices[-1] if self.slices else None
        if last and last.files == piece.files and piece.position == last.position + last.length:
            self.slices[-1] = last._replace(length=last.length + length)
        elif piece.files:
            self.slices.append(Slice(offset, length, piece.position, piece.files))
        self.data += piece.header + piece.content + piece.padding
        self._packed += piece.packed

    def raw(self) -> RawFrame:
        """Return the frame as it is."""
        return RawFrame(bytes(self.data), self.slices)


def cut(tree: Path, layout: Layout) -> Iterator[RawFrame]:
    """Return the frames of the tar stream in order; a file above a frame's size spans several."""
    done, total = 0, sum({_identity(entry): tarfile.BLOCKSIZE + entry.size for entry in layout.files}.values())
    frame = _Frame(SMALLEST, _kind(0, layout))
    for piece in _pieces(tree, layout):
        if not frame.takes(piece):
            yield frame.raw()
            done += len(frame.data)
            frame = _Frame(_limit(done, total), piece.kind)
        frame.kind = piece.kind
        frame.add(piece)
    yield frame.raw()


def _limit(done: int, total: int) -> int:
    return min(LARGEST, max(SMALLEST, min(done, total - done) // SHARE))


def _packed(content: bytes) -> float:
    """Estimate the compressed size from a sample of the middle."""
    middle = max(0, len(content) // 2 - SAMPLE // 2)
    sample = content[middle : middle + SAMPLE]
    return len(content) * min(1.0, len(zstd.compress(sample, 1)) / len(sample)) if sample else 0.0


def _pieces(tree: Path, layout: Layout) -> Iterator[_Piece]:
    for entry in (*layout.directories, *layout.links):
        yield _Piece(_header(entry), b"", b"", [], 0, 0, 0, _kind(0, layout))
    copies = _copies(layout.files)
    for number, entry in enumerate(layout.files):
        first = copies[_identity(entry)][0]
        if first == number:
            yield from _file(tree, entry, copies[_identity(entry)], _kind(number, layout))
        else:
            yield _Piece(_header(entry, layout.files[first].path), b"", b"", [], 0, 0, 0, _kind(number, layout))
    yield _Piece(bytes(2 * tarfile.BLOCKSIZE), b"", b"", [], 0, 0, 0, _kind(max(0, len(layout.files) - 1), layout))


def _file(tree: Path, entry: Entry, files: list[int], kind: int) -> Iterator[_Piece]:
    header = _header(entry)
    with (tree / entry.path).open("rb") as source:
        for position in range(0, max(entry.size, 1), PIECE):
            length = min(PIECE, entry.size - position)
            content = source.read(length)
            if len(content) != length:
                raise OSError(f"{entry.path} is shorter than {entry.size} bytes: it changed while it was bundled")
            last = position + length == entry.size
            padding = bytes(-entry.size % tarfile.BLOCKSIZE) if last else b""
            rest, packed = entry.size - position, _packed(content)
            yield _Piece(b"" if position else header, content, padding, files, position, rest, packed, kind)


def _kind(number: int, layout: Layout) -> int:
    return (number >= layout.first) + (number >= layout.hot)


def _copies(files: Sequence[Entry]) -> dict[tuple[str | None, int], list[int]]:
    """Group identical files, first one first: their bytes travel once."""
    groups: dict[tuple[str | None, int], list[int]] = {}
    for number, entry in enumerate(files):
        groups.setdefault(_identity(entry), []).append(number)
    return groups


def _identity(entry: Entry) -> tuple[str | None, int]:
    """Return which files may share bytes; empty ones have none to share."""
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
