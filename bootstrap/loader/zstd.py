"""One zstd decompressor, whatever the Python: the module in our own package, the standard library's, or the backport.

The packaged bootstrap carries the backport's native module under its own package name, so that neither an
application's `backports` nor its `zstandard` can be mistaken for it.
"""

from importlib import import_module
from typing import Protocol, cast


class Decompressor(Protocol):
    """The part of `zstd.ZstdDecompressor` (PEP 784) that the loader uses; errors are ZstdError."""

    eof: bool

    def decompress(self, data: bytes | memoryview, max_length: int = -1) -> bytes:
        """Give at most `max_length` bytes of output; call again with b"" for more."""


def _native() -> object:
    for name, package in (("._zstd", __package__), ("compression.zstd", None), ("backports.zstd", None)):
        try:
            return import_module(name, package)
        except ImportError:
            continue
    raise ImportError("the bootstrap's package is incomplete: no zstd module beside it; build it again")


_module = _native()


def decompressor() -> Decompressor:
    """Give a fresh decompressor for one frame."""
    return cast("Decompressor", _module.ZstdDecompressor())  # type: ignore[attr-defined]


def decompress(data: bytes) -> bytes:
    """Give the content of one frame that is known to be small."""
    return decompressor().decompress(data)
