"""Put the bootstrap's package together: python bootstrap/package.py ZSTD_FOLDER TARGET. Runs at build time only.

The package holds bootstrap.py and bootstrap.mjs, which the runtimes look for, and `_dropshift`, which nobody's module
is called: our bytecode, and zstd's native module without the tables that only debuggers read. Compiled beforehand,
because /var/task is read-only and a cold start would compile everything anew.
"""

import ast
import marshal
import shutil
import struct
import sys
from importlib.util import MAGIC_NUMBER, source_hash
from inspect import CO_VARARGS, CO_VARKEYWORDS
from pathlib import Path
from types import CodeType
from typing import NamedTuple

LIMIT = 1_000_000
"""Bytes, unzipped."""
ENTRIES = ("bootstrap.py", "bootstrap.mjs")
BUILD_ONLY = ("package.py",)
LOADER = "loader"
"""The folder that runs in the loading process only: its failures are reported by name, never by a stack trace."""
UNCHECKED = 0b01
SEGMENT = "<IIQQQQQQ"
IGNORED, LOADABLE, UNWINDING = 0, 1, 0x6474E550
"""ELF: PT_NULL; PT_LOAD, a segment that is mapped; PT_GNU_EH_FRAME, where the tables for C++ exceptions begin."""


class Segment(NamedTuple):
    """A program header of a 64-bit little-endian ELF file; elf(5)."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    size: int
    memory: int
    align: int


def assemble(zstd: Path, target: Path) -> int:
    """Write the package into `target` and give its size in bytes; raises ValueError when it is too large."""
    source, inner = Path(__file__).parent, target / "_dropshift"
    shutil.rmtree(inner, ignore_errors=True)
    inner.mkdir(parents=True)
    shutil.copyfile(source / "bootstrap.py", target / "bootstrap.py")
    (target / "bootstrap.mjs").write_text(_lighter((source / "bootstrap.mjs").read_text()))
    cached = target / "__pycache__" / f"bootstrap.{sys.implementation.cache_tag}.pyc"
    _compile(target / "bootstrap.py", cached, "/var/task/bootstrap.py")
    for module in sorted(source.rglob("*.py")):
        if module.name not in (*ENTRIES, *BUILD_ONLY):
            place = module.relative_to(source)
            _compile(module, (inner / place).with_suffix(".pyc"), f"_dropshift/{place}")
    for native in zstd.glob("_zstd.*.so"):
        (inner / LOADER / native.name).write_bytes(trimmed(native.read_bytes()))
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    if size > LIMIT:
        raise ValueError(f"the bootstrap's package has {size} bytes, more than {LIMIT}: see what has grown in {target}")
    return size


def trimmed(library: bytes) -> bytes:
    """Take out of a C library what is never read: tables for exceptions, and all behind the last mapped byte; elf(5).

    The exception tables are the end of their segment (ld's layout, by which .eh_frame follows .eh_frame_hdr); whatever
    comes after them in the file moves up by whole pages. C raises nothing, and the one process that loads the library
    has one thread and ends with `_exit`, so nobody unwinds its stack.
    """
    (table,) = struct.unpack_from("<Q", library, 32)
    entry, count = struct.unpack_from("<HH", library, 54)
    segments = [Segment._make(struct.unpack_from(SEGMENT, library, table + entry * n)) for n in range(count)]
    begin, gap, segments = _without_tables(segments)
    end = max(one.offset + one.size for one in segments if one.kind == LOADABLE)
    header = bytearray(library[:begin] + library[begin + gap : end + gap])
    for number, one in enumerate(segments):
        struct.pack_into(SEGMENT, header, table + entry * number, *one)
    struct.pack_into("<Q", header, 40, 0)
    struct.pack_into("<HHH", header, 58, 0, 0, 0)
    return bytes(header)


def _without_tables(segments: list[Segment]) -> tuple[int, int, list[Segment]]:
    """Give where bytes go out of the file and how many, and the segments of what remains."""
    tables = next(one for one in segments if one.kind == UNWINDING)
    home = next(one for one in segments if one.kind == LOADABLE and one.offset <= tables.offset < one.offset + one.size)
    after = min(one.offset for one in segments if one.kind == LOADABLE and one.offset > tables.offset)
    gap = (after - tables.offset) // home.align * home.align
    length = tables.offset - home.offset
    moved = [one._replace(offset=one.offset - gap) if one.offset >= after else one for one in segments]
    shorter = [one._replace(size=length, memory=length) if one == home else one for one in moved]
    return after - gap, gap, [one._replace(kind=IGNORED) if one == tables else one for one in shorter]


def _lighter(script: str) -> str:
    """Drop lines that are comments, and indentation: no text of ours spans lines."""
    lines = (line.lstrip() for line in script.splitlines(keepends=True))
    return "".join(line for line in lines if not line.startswith(("//", "/**")))


class _Lighter(ast.NodeTransformer):
    """Drops the types of everything, which nobody reads at run time, as `optimize=2` drops docstrings."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.copy_location(ast.Constant(None), node)  # a NamedTuple's field needs one
        return self.generic_visit(node)

    def visit_TypeAlias(self, _node: ast.TypeAlias) -> None:
        return None


def _parsed(text: bytes) -> ast.Module:
    """Parse a module of ours without its types, and without importing what only they name."""
    module: ast.Module = _Lighter().visit(ast.parse(text))
    used = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and node.module in ("typing", "collections.abc"):
            node.names = [alias for alias in node.names if alias.name in used]
    module.body = [node for node in module.body if not isinstance(node, ast.ImportFrom) or node.names]
    return module


def _without_names(code: CodeType) -> CodeType:
    """Call every local variable the same, unless a caller or an inner function knows it by its name."""
    known = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & CO_VARARGS)
    known += bool(code.co_flags & CO_VARKEYWORDS)
    names = (
        name if number < known or name in code.co_cellvars else "_" for number, name in enumerate(code.co_varnames)
    )
    return code.replace(co_varnames=tuple(names))


def _without_lines(code: CodeType, *, traced: bool) -> CodeType:
    """Say of every instruction that it has no line, and of a function only its name.

    Nobody reads stack traces of ours: our failures are one line that says what is wrong. What may be in the trace of an
    application needs a table as long as the code, for `traceback` counts on it.

    CPython's Objects/locations.md: an entry covers at most eight code units, and kind 15 has no location.
    """
    full, rest = divmod(len(code.co_code) // 2 * traced, 8)
    table = bytes([0xFF]) * full + (bytes([0xF8 | (rest - 1)]) if rest else b"")
    inner = (_without_lines(one, traced=traced) if isinstance(one, CodeType) else one for one in code.co_consts)
    constants = tuple(inner)
    return _without_names(code).replace(co_consts=constants, co_linetable=table, co_qualname=code.co_name)


def _compile(source: Path, bytecode: Path, shown_as: str) -> None:
    """Write an unchecked-hash .pyc, laid out as PEP 552 says."""
    text = source.read_bytes()
    traced = source.parent.name != LOADER
    code = _without_lines(compile(_parsed(text), shown_as, "exec", optimize=2), traced=traced)
    bytecode.parent.mkdir(exist_ok=True)
    header = MAGIC_NUMBER + struct.pack("<I", UNCHECKED) + source_hash(text)
    bytecode.write_bytes(header + marshal.dumps(code))


if __name__ == "__main__":
    assemble(Path(sys.argv[1]), Path(sys.argv[2]))
