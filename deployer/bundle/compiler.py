"""Compile sources for the Python that runs this file: compiler.py FOLDER OPTIMIZATION, names on stdin, NUL after each.

A program of its own, and no module of the deployer. A bare interpreter of another version runs it, too: it has no
standard library, so only built-in and frozen modules may be imported here. The bytecode is byte for byte as
`py_compile` makes it, never compared with its source (PEP 552), and names the source by its place in the folder.
"""

import os
import sys
from _frozen_importlib_external import (  # type: ignore[attr-defined] # what py_compile itself calls; not in the stubs
    MAGIC_NUMBER,
    _code_to_hash_pyc,
    _write_atomic,
    cache_from_source,
)
from _imp import source_hash

UNFIT = (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError)
"""Errors of a source, which then stays as it is."""
TIMES, BASE = 20, 4096
"""Bytecode has at most so many times the bytes of its source, and some; it is less than twice, but for tricks."""


def main() -> None:
    """Compile every file that is named on stdin."""
    folder, optimization = sys.argv[1:]
    os.chdir(folder)
    for name in sys.stdin.buffer.read().split(b"\0")[:-1]:
        _compile(os.fsdecode(name), int(optimization))
        os.write(1, b".")  # the parent counts them, and knows which source ended this process


def _compile(source: str, optimization: int) -> None:
    try:
        bytecode = _bytecode(source, optimization)
    except UNFIT:
        return
    if len(bytecode) > TIMES * os.stat(source).st_size + BASE:  # noqa: PTH116 - a bare interpreter has no pathlib
        return
    place = cache_from_source(source)
    os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120 - as above
    _write_atomic(place, bytecode)


def _bytecode(source: str, optimization: int) -> bytes:
    with open(source, "rb") as file:  # noqa: PTH123 - as above
        text = file.read()
    # Two references, as py_compile has: marshal marks what has more than one.
    codes = [compile(text, source, "exec", dont_inherit=True, optimize=optimization)]
    digest = source_hash(int.from_bytes(MAGIC_NUMBER, "little"), text)
    return bytes(_code_to_hash_pyc(codes[0], digest, False))


if __name__ == "__main__":
    main()
