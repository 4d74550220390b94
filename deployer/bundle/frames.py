"""Cut the pieces of a tar stream into frames where its content says, so that a change moves no cut far from it."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bootstrap.index import Slice
from deployer.bundle.pieces import PIECE, Piece

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


@dataclass(frozen=True)
class Frame:
    """The content of one frame, in order."""

    pieces: Sequence[Piece]

    @cached_property
    def size(self) -> int:
        """Return the raw bytes."""
        return sum(piece.size for piece in self.pieces)

    @cached_property
    def packed(self) -> float:
        """Return about how many bytes the content takes after compression."""
        return sum(piece.packed for piece in self.pieces)

    @cached_property
    def key(self) -> str | None:
        """Return a digest of the raw bytes, which frames of equal bytes share; None when a file has no digest."""
        digest = hashlib.sha256()
        for piece in self.pieces:
            if piece.digest is None:
                return None
            digest.update(b"%d %s %d %d\0" % (len(piece.header), piece.digest.encode(), piece.position, piece.length))
            digest.update(piece.header)
        return digest.hexdigest()

    @cached_property
    def slices(self) -> list[Slice]:
        """Return what of the frame belongs to which files; pieces of one file that adjoin share a slice."""
        slices = list[Slice]()
        offset = 0
        for piece in self.pieces:
            last = slices[-1] if slices else None
            if last and last.files == piece.files and piece.position == last.position + last.length:
                slices[-1] = last._replace(length=last.length + piece.length)
            elif piece.files:
                slices.append(Slice(offset + len(piece.header), piece.length, piece.position, piece.files))
            offset += piece.size
        return slices


def read(tree: Path, frame: Frame) -> bytes:
    """Return the raw bytes of a frame."""
    data = bytearray()
    for piece in frame.pieces:
        data += piece.header
        if piece.length:
            data += _content(tree, piece)
        data += bytes(piece.padding)
    return bytes(data)


def _content(tree: Path, piece: Piece) -> bytes:
    with (tree / piece.path).open("rb", buffering=0) as source:
        source.seek(piece.position)
        content = source.read(piece.length)
    if len(content) != piece.length:
        raise OSError(f"{piece.path} is shorter than {piece.whole} bytes: it changed while it was bundled")
    return content


def cut(pieces: Sequence[Piece]) -> Iterator[Frame]:
    """Return the frames in order; a file above a frame's size spans several.

    Of all places in the second half of what a frame may hold, the cut is at the one with the least hash of its name.
    Wherever two streams with the same files begin, they are soon cut at the same places.
    """
    done, total, begin = 0, sum(piece.size for piece in pieces), 0
    while begin < len(pieces):
        end = _cut(pieces, begin, _limit(done, total))
        yield Frame(pieces[begin:end])
        done += sum(piece.size for piece in pieces[begin:end])
        begin = end


def _limit(done: int, total: int) -> int:
    """Return the raw bytes of a frame at most: a power of two, so that it hardly ever differs between two releases."""
    share = min(done, total - done) // SHARE
    return min(LARGEST, max(SMALLEST, 1 << max(0, share.bit_length() - 1)))


def _cut(pieces: Sequence[Piece], begin: int, limit: int) -> int:
    """Return the end of the frame that begins with a piece."""
    sizes = [0]
    packed, end = 0.0, begin
    while end < len(pieces) and pieces[end].kind == pieces[begin].kind:
        piece = pieces[end]
        packed += piece.packed
        if end > begin and (sizes[-1] + piece.size > limit or packed > PACKED):
            break
        sizes.append(sizes[-1] + piece.size)
        end += 1
    else:
        return end  # everything of this kind fits
    half = [place for place in range(begin + 1, end + 1) if 2 * sizes[place - begin] >= sizes[-1]]
    places = [place for place in half if _may_begin(pieces[place], limit)]
    return min(places, key=lambda place: _hash(pieces[place]), default=end)


def _may_begin(piece: Piece, limit: int) -> bool:
    """Return whether a frame may begin with a piece: not within a file that is small enough for one frame."""
    return piece.position == 0 or piece.whole > min(limit, 2 * PIECE)


def _hash(piece: Piece) -> int:
    return zlib.crc32(b"%s %d" % (piece.path.encode(errors="surrogateescape"), piece.position))
