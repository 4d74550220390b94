"""Compressed streams as streams of bytes: gzip (RFC 1952) and zstd (RFC 8878), in bounded steps.

Both are read to the end, so that checksums are verified and no bytes can follow unseen.
"""

import re
import zlib
from collections.abc import Iterator

from deployer.inspection.archive.contents import Limits
from deployer.inspection.archive.findings import REPACK, WHOLE, UnreadableError
from deployer.inspection.archive.source import HashedStream
from deployer.model.inspection import Format

STEP = 1 << 20
"""The most bytes that one call decompresses."""
WINDOW_LOG = 27
"""Limit of zstd's window, 128 MiB of memory, as its command line has it without --long."""
IDLE = 32 << 20
"""The most bytes by which compressed input may exceed its output."""

MAGIC: dict[Format, re.Pattern[bytes]] = {
    "tar.gz": re.compile(rb"\x1f\x8b"),
    "tar.zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
}
"""zstd may start with a skippable frame, RFC 8878 section 3.1.2: pzstd's output does."""


def decompress(form: Format, packed: HashedStream, limits: Limits) -> Iterator[bytes]:
    """Yield the decompressed bytes of a tar, or an uncompressed tar as it is.

    No compressor makes its input much larger, so a long stream that decompresses to nothing is refused.
    """
    pieces, size = iter(packed), 0
    match form:
        case "tar.gz":
            pieces = gunzip(pieces)
        case "tar.zst":
            pieces = unzstd(pieces, limits.frames)
    for piece in pieces:
        size += len(piece)
        if packed.size > size + size // 16 + IDLE:
            found = f"{packed.size} compressed bytes that decompress to only {size}"
            raise UnreadableError(WHOLE, found, "data that compression makes smaller", REPACK)
        yield piece


class Inflater:
    """One zlib stream, decompressed in bounded steps. Raises zlib.error for damaged data."""

    def __init__(self, window: int) -> None:
        """Start a stream; `window` is zlib's wbits, which also names the container."""
        self._stream = zlib.decompressobj(window)

    def feed(self, piece: bytes | memoryview) -> Iterator[bytes]:
        """Yield the decompressed bytes of the next piece of the stream."""
        data = piece
        while data or not self.ended:
            out = self._stream.decompress(data, STEP)
            data = self._stream.unconsumed_tail
            yield out
            if not data and len(out) < STEP:
                break

    @property
    def ended(self) -> bool:
        """Return whether the stream is complete."""
        return self._stream.eof

    @property
    def surplus(self) -> bool:
        """Return whether bytes came after the stream's end."""
        return bool(self._stream.unused_data)


def gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress one gzip member; zlib checks header, CRC-32 and length."""
    inflater = Inflater(16 + zlib.MAX_WBITS)
    try:
        for piece in pieces:
            if inflater.ended:
                raise _surplus()
            yield from inflater.feed(piece)
            if inflater.surplus:
                raise _surplus()
    except zlib.error as error:
        raise UnreadableError(WHOLE, f"damaged gzip data ({error})", "an undamaged gzip file") from None
    if not inflater.ended:
        raise UnreadableError(WHOLE, "gzip data that is cut short", "a whole gzip file", "upload it again")


def _surplus() -> UnreadableError:
    return UnreadableError(WHOLE, "data behind the first gzip member", "one gzip member", "compress it in one go")


def unzstd(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Decompress zstd frames one after the other, at most `limit` of them; skippable frames are skipped."""
    from backports import zstd  # noqa: PLC0415 - a native module that only tar.zst needs

    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW_LOG}
    frame: zstd.ZstdDecompressor | None = None
    frames = 0
    try:
        for piece in pieces:
            data = piece
            while data or (frame is not None and not frame.needs_input):
                if frame is None:
                    frame, frames = zstd.ZstdDecompressor(options=options), frames + 1
                    _check_frames(frames, limit)
                yield frame.decompress(data, STEP)
                data = b""
                if frame.eof:
                    data, frame = frame.unused_data, None
    except zstd.ZstdError as error:
        found = f"damaged zstd data, or a window above {2**WINDOW_LOG >> 20} MiB ({error})"
        raise UnreadableError(WHOLE, found, "undamaged zstd frames", "compress it without --long") from None
    if frame is not None:
        raise UnreadableError(WHOLE, "zstd data that is cut short", "a whole zstd file", "upload it again")


def _check_frames(frames: int, limit: int) -> None:
    if frames > limit:
        found, allowed = f"more than {limit} zstd frames", f"at most {limit}"
        raise UnreadableError(WHOLE, found, allowed, "compress it in one go")
