"""A zstd decompressor for every Python: the module in our own package, the standard library's, or the backport.

The package for a Python below 3.14 holds the backport's native module under our own package name. So an application's
`backports` or `zstandard` cannot be mistaken for it. From 3.14 on the standard library has the same
module. Its wrapper `compression.zstd` would cost a cold start 3 ms.
"""

import sys
from importlib import import_module
from typing import Protocol, cast

from ..failures import LoadError

INCOMPLETE = "the bootstrap's package is incomplete, it lacks zstd's native module: build and deploy the stack again"
LACKING = (
    "this runtime version of Lambda lacks Python's own zstd; "
    "python3.14 has it from its version v32 on: set the function's UpdateRuntimeOn to Auto"
)


class Decompressor(Protocol):
    """The part of `zstd.ZstdDecompressor` (PEP 784) that the loader uses; errors are ZstdError."""

    eof: bool

    def decompress(self, data: bytes | memoryview, max_length: int = -1) -> bytes:
        """Return at most `max_length` bytes of output; call again with b"" for more."""


def _native() -> object:
    for name, package in (("._zstd", __package__), ("_zstd", None), ("backports.zstd", None)):
        try:
            return import_module(name, package)
        except ImportError:
            continue
    return None


_module = _native()


def decompressor() -> Decompressor:
    """Return a fresh decompressor for one frame; raises LoadError when there is no zstd at all."""
    if _module is None:
        raise LoadError("Zstd", LACKING if sys.version_info >= (3, 14) else INCOMPLETE)
    return cast("Decompressor", _module.ZstdDecompressor())  # type: ignore[attr-defined]


def decompress(data: bytes) -> bytes:
    """Return the content of one frame that is known to be small."""
    return decompressor().decompress(data)
