"""The parts of one ELF file that its loader reads, kept while the file is streamed: it may have gigabytes."""

from typing import IO

from deployer.inspection.compatibility import elf_segments

_HEAD = 8 * 2**10
"""Bytes from the start that hold the header and the program headers, which list the other parts."""


class Excerpt:
    """An `elf_segments.Readable` over the kept parts, which are in a shared file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._next, self._size = file, start, size
        self._head = b""
        self._parts: list[tuple[int, int]] | None = None
        self._kept: list[tuple[int, int, int]] = []
        """Offset in the ELF file, offset in the shared file, length."""
        self._seen = self._at = 0

    def write(self, piece: bytes) -> None:
        """Keep the bytes that belong to a part."""
        if self._parts is None:
            self._head += piece
            if len(self._head) < min(_HEAD, self._size):
                return
            piece, self._head = self._head, self._head[:_HEAD]
            self._parts = _merged([(0, _HEAD), *elf_segments.parts_to_keep(self._head, self._size)])
        for first, last in self._parts:
            cut = piece[max(first - self._seen, 0) : max(last - self._seen, 0)]
            if cut:
                self._keep(max(first, self._seen), cut)
        self._seen += len(piece)

    def _keep(self, at: int, cut: bytes) -> None:
        self._file.seek(self._next)
        self._file.write(cut)
        if self._kept and sum(self._kept[-1][::2]) == at:
            at, place, length = self._kept.pop()
            self._kept.append((at, place, length + len(cut)))
        else:
            self._kept.append((at, self._next, len(cut)))
        self._next += len(cut)

    def seek(self, offset: int, /) -> None:
        """Go to an offset of the ELF file."""
        self._at = offset

    def read(self, length: int, /) -> bytes:
        """Return the kept bytes there, fewer where the part ends."""
        for at, place, kept in self._kept:
            if at <= self._at < at + kept:
                self._file.seek(place + self._at - at)
                return self._file.read(min(length, at + kept - self._at))
        return b""


def _merged(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the same offsets without overlaps, in order."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(parts):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged
