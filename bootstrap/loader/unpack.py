"""Put one verified frame's files in place."""

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from ..failures import Retry
from ..index import File, Frame, Slice
from . import zstd
from .borrow import Borrower
from .lease import HEAD, LONG_AGO, keep_head

PIECE = 128 << 10
"""Bytes decompressed at a time: a buffer this small is reused, so that the kernel maps no fresh pages."""
FILES_OPEN = 128
"""Files written at a time; a function has 1,024 file descriptors (AWS Lambda developer guide, "Quotas")."""
CREATE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class Place(NamedTuple):
    """The destination of unpacked frames."""

    files: list[File]
    root: int
    """Descriptor of the directory."""
    heads: int
    """Descriptor of the file that keeps the heads of leased files of several frames."""


class _Raw:
    """The raw bytes of a frame, read forward, or again from the start."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._begin()

    def _begin(self) -> None:
        self._stream = zstd.decompressor()
        self._start = 0
        self._piece = memoryview(self._stream.decompress(self._data, PIECE))

    def at(self, offset: int, length: int) -> memoryview:
        """Return at least one and at most `length` bytes at `offset`."""
        if offset < self._start:
            self._begin()
        while offset >= self._start + len(self._piece):
            self._start += len(self._piece)
            self._piece = memoryview(self._stream.decompress(b"", PIECE))
            if not self._piece:
                raise ValueError("a verified frame is shorter than its index says: the deployer wrote a wrong bundle")
        begin = offset - self._start
        return self._piece[begin : begin + length]


def verify(frame: Frame, data: memoryview) -> None:
    """Raise Retry unless `data` has the pinned digest; no code reads the bytes before this."""
    if sha256(data).hexdigest() != frame.sha256:
        raise Retry("the bytes do not match the pinned digest")


def put(frame: Frame, data: memoryview, place: Place, borrower: Borrower | None = None) -> None:
    """Write every slice of a verified frame; raises OSError."""
    raw = _Raw(data)
    for batch in _batches(frame.slices):
        lent = borrower.borrow(file for one in batch for file in one.files) if borrower else {}
        for one in batch:
            leased = [(file, lent[file]) for file in one.files if file in lent]
            named = [file for file in one.files if file not in lent]
            if named:
                _put_by_name(raw, one, [place.files[file] for file in named], place.root)
            if leased:
                _put_leased(raw, one, leased, place)
        for held in lent.values():
            os.close(held)


def _batches(slices: Iterable[Slice]) -> Iterator[list[Slice]]:
    """Return the slices in groups of at most FILES_OPEN files, which are open at the same time."""
    batch: list[Slice] = []
    count = 0
    for one in slices:
        for n in range(0, len(one.files), FILES_OPEN):
            some = one._replace(files=one.files[n : n + FILES_OPEN]) if len(one.files) > FILES_OPEN else one
            if count + len(some.files) > FILES_OPEN:
                yield batch
                batch, count = [], 0
            batch.append(some)
            count += len(some.files)
    yield batch


def _put_by_name(raw: _Raw, one: Slice, files: list[File], root: int) -> None:
    targets = [os.open(file.path, CREATE, file.mode, dir_fd=root) for file in files]
    for position, piece in _pieces(raw, one):
        for target in targets:
            _write(target, piece, position)
    for target in targets:
        os.utime(target, ns=(LONG_AGO, LONG_AGO))
        os.close(target)


def _put_leased(raw: _Raw, one: Slice, targets: list[tuple[int, int]], place: Place) -> None:
    """Write a file's first bytes last: here, or when the file's last frame is in place."""
    head = bytearray()
    for position, piece in _pieces(raw, one):
        if position < HEAD:
            head += piece[: HEAD - position]
        for _, target in targets if position + len(piece) > HEAD else ():
            skipped = max(0, HEAD - position)
            _write(target, piece[skipped:], position + skipped)
    for file, target in targets:
        if one.length < place.files[file].size:
            keep_head(place.heads, file, one.position, memoryview(head))
        else:
            _write(target, memoryview(head), 0)
            os.utime(target, ns=(LONG_AGO, LONG_AGO))


def _pieces(raw: _Raw, one: Slice) -> Iterator[tuple[int, memoryview]]:
    done = 0
    while done < one.length:
        piece = raw.at(one.offset + done, one.length - done)
        yield one.position + done, piece
        done += len(piece)


def _write(target: int, piece: memoryview, position: int) -> None:
    done = 0
    while done < len(piece):
        done += os.pwrite(target, piece[done:], position + done)
