"""The tar stream of a tree as pieces, before any of its bytes is read: what frames are cut of."""

import tarfile
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from deployer.bundle.layout import Layout
from deployer.model.entry import Entry

PIECE = 1 << 20
"""Bytes of a file that are one piece at most."""

type Estimate = Callable[[Entry, int, int], float]
"""Returns about how many bytes `length` bytes of a file at `position` take after compression."""


class Piece(NamedTuple):
    """Tar bytes that stay in one frame: a header, some of a file's content, the padding after its end."""

    header: bytes
    path: str
    """The file that holds the content; empty when there is none."""
    digest: str | None
    """SHA-256 of the whole file; None when it was not computed."""
    position: int
    length: int
    """Bytes of content, from `position` on."""
    whole: int
    """Bytes of the whole file."""
    files: list[int]
    """Numbers of the files that hold the content: the file itself and those identical to it."""
    packed: float
    """Estimated bytes of the content after compression."""
    kind: int
    """A frame holds pieces of one kind: of the first files, of hot or of cold ones."""

    @property
    def padding(self) -> int:
        """Return the bytes after the content that fill the file's last block."""
        return -self.whole % tarfile.BLOCKSIZE if self.position + self.length == self.whole else 0

    @property
    def size(self) -> int:
        """Return the bytes in the tar stream."""
        return len(self.header) + self.length + self.padding


def pieces(layout: Layout, estimate: Estimate) -> Iterator[Piece]:
    """Return the pieces of the tar stream in order."""
    for entry in (*layout.directories, *layout.links):
        yield _bare(_header(entry), entry.path, _kind(0, layout))
    copies = _copies(layout.files)
    for number, entry in enumerate(layout.files):
        same = copies[_identity(entry)]
        if same[0] == number:
            yield from _file(entry, same, _kind(number, layout), estimate)
        else:
            yield _bare(_header(entry, layout.files[same[0]].path), entry.path, _kind(number, layout))
    yield _bare(bytes(2 * tarfile.BLOCKSIZE), "", _kind(max(0, len(layout.files) - 1), layout))


def _bare(header: bytes, path: str, kind: int) -> Piece:
    return Piece(header, path, "", 0, 0, 0, [], 0, kind)


def _file(entry: Entry, files: list[int], kind: int, estimate: Estimate) -> Iterator[Piece]:
    header = _header(entry)
    for position in range(0, max(entry.size, 1), PIECE):
        length = min(PIECE, entry.size - position)
        packed = estimate(entry, position, length)
        yield Piece(
            b"" if position else header, entry.path, entry.sha256, position, length, entry.size, files, packed, kind
        )


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
