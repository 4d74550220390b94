"""Pure: which names a Python module has after its import, as far as its source tells."""

import ast
from collections.abc import Iterator
from typing import NamedTuple


class Name(NamedTuple):
    """How a name comes to be."""

    callable: bool = False
    """A function or class of the module's own."""
    coroutine: bool = False
    module: str | None = None
    """The module it is imported from, "" for the package itself; None if it is not imported by name."""
    original: str = ""
    level: int = 0


class Bound:
    """The names of a module; `open` if it may have others that no source shows."""

    def __init__(self) -> None:
        self.names: dict[str, tuple[Name, ...]] = {}
        self.open = False

    def get(self, name: str) -> tuple[Name, ...]:
        """Return every way in which a name comes to be: which of them is taken, only the import tells."""
        return self.names.get(name, ())

    def add(self, name: str, way: Name) -> None:
        """Note one way."""
        self.names[name] = (*self.get(name), way)


def bound(tree: ast.Module) -> Bound:
    """Collect what assignments, definitions and imports at any depth of the module's own code bind."""
    found = Bound()
    for node in _statements(tree):
        _note(node, found)
    return found


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk the module's own code: into if, try, with, for and match, but not into functions and classes.

    A function that declares names global, or takes the module's dictionary, may bind them: that counts too.
    """
    for node in ast.iter_child_nodes(tree):
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from (inner for inner in ast.walk(node) if _reaches_out(inner))
        else:
            yield from _statements(node)


def _reaches_out(node: ast.AST) -> bool:
    match node:
        case ast.Global() | ast.Call(func=ast.Name(id="globals")) | ast.Attribute(attr="modules"):
            return True
        case _:
            return False


def _note(node: ast.AST, found: Bound) -> None:
    found.open |= _opens(node)
    for name, way in _ways(node):
        found.add(name, way)


def _opens(node: ast.AST) -> bool:
    """Say whether a node may bind names that are not written there."""
    match node:
        case ast.FunctionDef(name="__getattr__"):
            return True
        case ast.ImportFrom(names=aliases):
            return any(alias.name == "*" for alias in aliases)
        case ast.Call(func=ast.Name(id="globals" | "locals" | "exec" | "setattr" | "vars")):
            return True
        case ast.Attribute(attr="modules" | "__dict__"):
            return True  # sys.modules[__name__] = …
        case _:
            return False


def _ways(node: ast.AST) -> Iterator[tuple[str, Name]]:
    """Give the names that a node binds."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, Name(callable=True)
        case ast.AsyncFunctionDef(name=name, decorator_list=decorators):
            yield name, Name(callable=True, coroutine=not decorators)
        case ast.Import() | ast.ImportFrom():
            yield from _imported(node)
        case ast.Global(names=names):
            yield from ((name, Name()) for name in names)
        case ast.Name(id=name, ctx=ast.Store()) | ast.ExceptHandler(name=str(name)):
            yield name, Name()
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name, Name()
        case _:
            pass


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Name]]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield alias.asname or alias.name.partition(".")[0], Name()
        else:
            way = Name(module=node.module or "", original=alias.name, level=node.level)
            yield alias.asname or alias.name, way
