"""Pure: how a name of a Python module is bound, as far as the module's own statements show.

Statements and expressions are walked with a stack, because generated sources nest them thousands deep.
"""

import ast
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

MAY_BIND = re.compile(
    rb"\b(globals|locals|vars|exec|eval|setattr|__getattr__|__dict__|modules)\b|import\s*\*|[zZ\xda\xfa]\x01\*"
)
"""Signs, in source or bytecode, that a module may have names that are not in its text; the last is a star import's."""
_NO_FUNCTIONS = (
    ast.Constant,
    ast.JoinedStr,
    ast.List,
    ast.ListComp,
    ast.Tuple,
    ast.Dict,
    ast.DictComp,
    ast.Set,
    ast.SetComp,
    ast.GeneratorExp,
)
type _Block = ast.stmt | ast.excepthandler | ast.match_case
_BLOCKS = (ast.stmt, ast.excepthandler, ast.match_case)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Binding(NamedTuple):
    """One way in which a name may be bound when the import ends."""

    nature: Literal["function", "coroutine", "constant", "import", "other"]
    line: int = 0
    """The line of a constant."""
    module: str = ""
    """The module of an import, relative to its package if there is a level."""
    original: str = ""
    level: int = 0


_OTHER = Binding("other")


def bindings(tree: ast.Module, name: str) -> list[Binding]:
    """Return all ways in which a name may be bound; an unconditional one replaces those before it."""
    found: list[Binding] = []
    late = False
    for statement, certain in _statements(tree):
        ways = list(_ways(statement, name))
        if certain and ways:
            found.clear()
        found += ways
        late = late or _binds_later(statement, name)
    return [*found, _OTHER] if late else found


def functions(tree: ast.Module) -> list[str]:
    """Return the functions and classes that a module defines."""
    defined = (statement for statement, _ in _statements(tree))
    return [s.name for s in defined if isinstance(s, _DEFINITIONS)]


def _statements(tree: ast.Module) -> Iterator[tuple[_Block, bool]]:
    """Yield the module's own statements in order, those in if, try, with, for and match included, and their certainty.

    The bodies of functions and classes are not the module's own.
    """
    todo: list[tuple[_Block, bool]] = [(statement, True) for statement in reversed(tree.body)]
    while todo:
        statement, certain = todo.pop()
        yield statement, certain
        if not isinstance(statement, _DEFINITIONS):
            inner = [node for node in ast.iter_child_nodes(statement) if isinstance(node, _BLOCKS)]
            todo += [(node, False) for node in reversed(inner)]


def _ways(statement: _Block, name: str) -> Iterator[Binding]:
    match statement:
        case ast.FunctionDef(name=found) | ast.ClassDef(name=found):
            yield from [Binding("function")] * (found == name)
        case ast.AsyncFunctionDef(name=found, decorator_list=decorators):
            yield from [_OTHER if decorators else Binding("coroutine")] * (found == name)
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (_imported(statement, alias) for alias in aliases if _bound(alias) == name)
        case ast.AnnAssign(value=None):
            pass
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) if _is_target(statement, name):
            yield Binding("constant", value.lineno) if _is_constant(value) else _OTHER
        case _ if _stores(statement, name):
            yield _OTHER


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _imported(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> Binding:
    if isinstance(statement, ast.ImportFrom):
        return Binding("import", module=statement.module or "", original=alias.name, level=statement.level)
    return _OTHER


def _is_target(statement: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _is_constant(value: ast.expr) -> bool:
    """Return whether a value is certainly not a function."""
    if isinstance(value, ast.UnaryOp | ast.BinOp):
        parts = [value.operand] if isinstance(value, ast.UnaryOp) else [value.left, value.right]
        return all(isinstance(part, ast.Constant) for part in parts)
    return isinstance(value, _NO_FUNCTIONS)


def _stores(statement: _Block, name: str) -> bool:
    """Return whether a statement, without its blocks, binds a name in a way other than by definition or import."""
    todo: list[ast.AST] = [statement]
    while todo:
        match node := todo.pop():
            case ast.Name(id=found, ctx=ast.Store()) if found == name:
                return True
            case ast.MatchAs(name=found) | ast.MatchStar(name=found) | ast.MatchMapping(rest=found) if found == name:
                return True
        todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, _BLOCKS)]
    return False


def _binds_later(statement: _Block, name: str) -> bool:
    """Return whether a function or class in a statement declares the name global, to bind it when it runs."""
    if not isinstance(statement, _DEFINITIONS):
        return False
    return any(isinstance(node, ast.Global) and name in node.names for node in ast.walk(statement))
