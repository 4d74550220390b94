"""Guess in which order an application imports its modules, for a release that nobody watched yet.

The sources are parsed, never run, and native modules are searched for names. A guess that is wrong costs time and
nothing else: a module that is not in it waits for everything that may be needed, and data comes before any module.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from deployer.bundle.layout import dotted_name, is_module
from deployer.model.entry import Entry
from deployer.model.profile import Profile

LONGEST = 1 << 20
"""Bytes; nobody writes longer sources by hand."""
LARGEST = 32 << 20
"""Bytes of a native module that is searched."""
_NAME = re.compile(rb"(?<=\0)[A-Za-z_][A-Za-z0-9_.]+(?=\0)")


def guess(tree: Path, entries: Iterable[Entry], handler: str) -> Profile:
    """Give the files of the modules that the import of a handler's module imports in turn, in that order."""
    files: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind == "file" and is_module(entry.path) and (name := dotted_name(entry.path)):
            files.setdefault(name, []).append(entry)
    start = handler.replace("/", ".").rpartition(".")[0]
    touched = [entry.path for name in _reached(tree, files, start) for entry in files[name]]
    return Profile(touched=tuple(touched), milliseconds=tuple(range(len(touched))))


def _reached(tree: Path, files: Mapping[str, Sequence[Entry]], start: str) -> list[str]:
    """Walk the imports as Python does: a module's file is read before those of what it imports."""
    reached: dict[str, None] = {}
    under_way = [_with_parents([start])]
    while under_way:
        name = next(under_way[-1], None)
        if name is None:
            under_way.pop()
        elif name in files and name not in reached:
            reached[name] = None
            under_way.append(_with_parents(_imports_of(tree, files[name], name)))
    return list(reached)


def _with_parents(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        parts = name.split(".")
        yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _imports_of(tree: Path, files: Sequence[Entry], name: str) -> Iterator[str]:
    source = next((entry for entry in files if entry.path.endswith(".py") and entry.size <= LONGEST), None)
    if source is None:
        yield from _named_in(tree, files)
        return
    is_package = source.path.endswith("/__init__.py")
    for node in _run_at_import(_parsed(tree / source.path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, name, is_package=is_package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _named_in(tree: Path, files: Sequence[Entry]) -> Iterator[str]:
    """Give what may be a module's name among the texts of native modules: those that C code imports are."""
    for entry in files:
        if entry.path.endswith(".so") and entry.size <= LARGEST:
            yield from (name.decode() for name in _NAME.findall((tree / entry.path).read_bytes()))


def _parsed(path: Path) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(path.read_bytes()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _run_at_import(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Give the statements of a module but those of functions, and those that only type checkers read."""
    under_way: list[Iterator[ast.AST]] = [iter(body)]
    while under_way:
        node = next(under_way[-1], None)
        if node is None:
            under_way.pop()
            continue
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in (
            getattr(node.test, "id", ""),
            getattr(node.test, "attr", ""),
        ):
            under_way.append(iter(node.orelse))
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While | ast.ClassDef | ast.ExceptHandler):
            under_way.append(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))


def _base(node: ast.ImportFrom, name: str, *, is_package: bool) -> str:
    """Give the absolute name of what a `from` names."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    package = parts[: len(parts) - node.level + is_package]
    return ".".join([*package, *([node.module] if node.module else [])])
