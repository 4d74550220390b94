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
        self.names: dict[str, Name] = {}
        self.open = False

    def get(self, name: str) -> Name | None:
        """Return how a name comes to be."""
        return self.names.get(name)


def bound(tree: ast.Module) -> Bound:
    """Collect what assignments, definitions and imports at any depth of the module's own code bind."""
    found = Bound()
    for node in _statements(tree):
        _note(node, found)
    return found


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk the module's own code: into if, try, with, for and match, but not into functions and classes.

    A function that declares names global may bind them, so those count too.
    """
    for node in ast.iter_child_nodes(tree):
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from (inner for inner in ast.walk(node) if isinstance(inner, ast.Global))
        else:
            yield from _statements(node)


def _note(node: ast.AST, found: Bound) -> None:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            found.names[name] = Name(callable=True)
            found.open |= name == "__getattr__"
        case ast.AsyncFunctionDef(name=name, decorator_list=decorators):
            found.names[name] = Name(callable=True, coroutine=not decorators)
        case ast.Name(id=name, ctx=ast.Store()):
            found.names[name] = Name()
        case ast.Global(names=names):
            found.names |= {name: Name() for name in names if name not in found.names}
        case ast.Import(names=aliases):
            found.names |= {alias.asname or alias.name.partition(".")[0]: Name() for alias in aliases}
        case ast.ImportFrom(names=aliases, module=module, level=level):
            found.open |= any(alias.name == "*" for alias in aliases)
            for alias in aliases:
                found.names[alias.asname or alias.name] = Name(False, False, module or "", alias.name, level)
        case ast.Call(func=ast.Name(id="globals" | "exec" | "setattr" | "vars")):
            found.open = True
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            found.names[name] = Name()
        case _:
            pass
