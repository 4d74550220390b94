"""Put one verified frame's files in place."""

import os
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from ..failures import Retry
from ..index import File, Frame, Slice
from . import zstd
from .borrow import Borrower
from .lease import HEAD, LONG_AGO, place_head, write

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
    if borrower is None or not borrower.holds_any_of(frame):
        _put_by_name(raw, frame.slices, place)
        return
    for batch in _batches(frame.slices):
        lent = borrower.borrow(file for one in batch for file in one.files)
        for one in batch:
            _put_by_name(raw, [one._replace(files=[file for file in one.files if file not in lent])], place)
            _put_leased(raw, one, {file: lent[file] for file in one.files if file in lent}, place, borrower)
        for held in lent.values():
            os.close(held)


def _batches(slices: Iterable[Slice]) -> Iterator[list[Slice]]:
    """Return the slices in groups of at most FILES_OPEN files, which are open at the same time."""
    batch: list[Slice] = []
    count = 0
    for one in slices:
        for n in range(0, len(one.files), FILES_OPEN):
            some = one._replace(files=one.files[n : n + FILES_OPEN])
            if count + len(some.files) > FILES_OPEN:
                yield batch
                batch, count = [], 0
            batch.append(some)
            count += len(some.files)
    yield batch


def _put_by_name(raw: _Raw, slices: Iterable[Slice], place: Place) -> None:
    """Write to files that nobody can have opened yet. Most are small, and there are thousands: each name costs."""
    at, root, all_files = raw.at, place.root, place.files
    create, put_at, utime, close = os.open, os.pwrite, os.utime, os.close
    for offset, length, position, numbers in slices:
        if length > PIECE and len(numbers) > 1:
            _put_copies(raw, Slice(offset, length, position, numbers), place)
            continue
        for number in numbers:
            path, mode, _ = all_files[number]
            target = create(path, CREATE, mode, dir_fd=root)
            done = 0
            while done < length:
                done += put_at(target, at(offset + done, length - done), position + done)
            utime(target, LONG_AGO)
            close(target)


def _put_copies(raw: _Raw, one: Slice, place: Place) -> None:
    """Write to identical files at once, for which the frame would have to be read again."""
    for n in range(0, len(one.files), FILES_OPEN):
        files = [place.files[number] for number in one.files[n : n + FILES_OPEN]]
        targets = [os.open(file.path, CREATE, file.mode, dir_fd=place.root) for file in files]
        head = _put_but_head(raw, one, targets)
        for target in targets:
            place_head(target, head)
            os.close(target)


def _put_leased(raw: _Raw, one: Slice, targets: dict[int, int], place: Place, borrower: Borrower) -> None:
    """Write a file's first bytes last: here, or its holder does when the file's last frame is in place."""
    head = _put_but_head(raw, one, targets.values())
    for file, target in targets.items():
        if one.length == place.files[file].size:
            place_head(target, head)
        elif head:
            borrower.keep_head(file, head)


def _put_but_head(raw: _Raw, one: Slice, targets: Collection[int]) -> bytes:
    """Write a run of bytes but for a file's first ones, and return those."""
    head, done = b"", 0
    while done < one.length and targets:
        piece, position = raw.at(one.offset + done, one.length - done), one.position + done
        skipped = min(len(piece), max(0, HEAD - position))
        head += piece[:skipped]
        for target in targets if skipped < len(piece) else ():
            write(target, piece[skipped:], position + skipped)
        done += len(piece)
    return head
