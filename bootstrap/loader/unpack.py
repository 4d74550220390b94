"""Put one verified frame's files in place."""

import os
from hashlib import sha256

from ..failures import Retry
from ..index import File, Frame
from . import zstd

PIECE = 128 << 10
"""Bytes decompressed at a time: a buffer this small is recycled, so the kernel need not map fresh pages."""
LONG_AGO = 315_619_200_000_000_000
"""2 January 1980, in ns: before anybody reads a file, so that the first one who does shows; see profile.py."""
AT_ONCE = 128
"""Identical files written at a time; a function has 1,024 file descriptors (AWS Lambda developer guide, "Quotas")."""
CREATE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class _Raw:
    """The raw bytes of a frame, read forward only."""

    def __init__(self, data: memoryview) -> None:
        self._stream = zstd.decompressor()
        self._start = 0
        self._piece = memoryview(self._stream.decompress(data, PIECE))

    def at(self, offset: int, length: int) -> memoryview:
        """Give at least one and at most `length` bytes at `offset`."""
        while offset >= self._start + len(self._piece):
            self._start += len(self._piece)
            self._piece = memoryview(self._stream.decompress(b"", PIECE))
            if not self._piece:
                raise ValueError("a verified frame is shorter than its index says: the deployer wrote a wrong bundle")
        begin = offset - self._start
        return self._piece[begin : begin + length]


def verify(frame: Frame, data: memoryview) -> None:
    """Raise Retry unless `data` hashes to the pin; nothing looks at the bytes before this."""
    if sha256(data).hexdigest() != frame.sha256:
        raise Retry("the bytes do not match the pinned digest")


def put(frame: Frame, data: memoryview, files: list[File], root: int) -> None:
    """Write every slice of a verified frame below the directory `root`; raises OSError."""
    raw = _Raw(data)
    for offset, length, position, numbers in frame.slices:
        for n in range(0, len(numbers), AT_ONCE):
            some = [files[number] for number in numbers[n : n + AT_ONCE]]
            _put(_Raw(data) if n else raw, (offset, length, position), some, root)


def _put(raw: _Raw, place: tuple[int, int, int], files: list[File], root: int) -> None:
    offset, length, position = place
    targets = [os.open(file.path, CREATE, file.mode, dir_fd=root) for file in files]
    done = 0
    while done < length:
        piece = raw.at(offset + done, length - done)
        for target in targets:
            _write(target, piece, position + done)
        done += len(piece)
    for target in targets:
        os.utime(target, ns=(LONG_AGO, LONG_AGO))
        os.close(target)


def _write(target: int, piece: memoryview, position: int) -> None:
    done = 0
    while done < len(piece):
        done += os.pwrite(target, piece[done:], position + done)
