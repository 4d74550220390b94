"""Pure: whether a Python module, as source or bytecode, has the function that a handler names.

Only the module's own statements count, and only what they plainly show is refused: the smoke test decides the rest.
"""

import ast
import difflib
import re
import sys
import warnings
from collections.abc import Iterator

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate

NAME_IT = 'add it, or name the right one in dropshift.toml: [application] handler = "module.function"'
_COMPARED = 1_000
"""Functions whose names are compared with the handler's."""
_MAY_BIND = re.compile(
    rb"\b(globals|locals|vars|exec|eval|setattr|__getattr__|__dict__|modules)\b|import\s*\*|[zZ\xda\xfa]\x01\*"
)
"""Signs, in source or bytecode, that a module may have names that are not in its text; the last is a star import's."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NO_FUNCTIONS = (
    *(ast.Constant, ast.JoinedStr, ast.List, ast.ListComp, ast.Tuple),
    *(ast.Dict, ast.DictComp, ast.Set, ast.SetComp, ast.GeneratorExp),
)


def check(candidate: Candidate, path: str, name: str) -> None:
    """Refuse a module that certainly lacks the function; warn of one that may have it only after its import."""
    text = candidate.text(path)
    if text is None:
        if path.endswith(".py"):
            candidate.warn(f"{shown(path)} is too large to search it for the handler")
    elif path.endswith(".pyc"):
        if name.encode() not in text:
            _lacking(candidate, path, name, text, [])
    elif tree := _parse(candidate, path, text):
        found = [statement for statement in tree.body if any(_binds(node, name) for node in _own_nodes(statement))]
        if not found:
            _lacking(
                candidate, path, name, text, [one.name for one in _own_nodes(tree) if isinstance(one, _DEFINITIONS)]
            )
        elif not _MAY_BIND.search(text):
            _check_nature(candidate, path, name, found[-1])


def _own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield a module's own nodes: of the bodies of functions and classes only what they declare global.

    They are walked with a stack, because generated sources nest them thousands deep.
    """
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _DEFINITIONS):
            yield from (inner for inner in ast.walk(node) if isinstance(inner, ast.Global))
        elif not (isinstance(node, ast.AnnAssign) and node.value is None):
            todo += ast.iter_child_nodes(node)


def _binds(node: ast.AST, name: str) -> bool:
    match node:
        case ast.alias():
            return (node.asname or node.name.partition(".")[0]) == name
        case ast.Global(names=names):
            return name in names
        case ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found) | ast.ClassDef(name=found):
            return found == name
        case ast.MatchAs(name=found) | ast.MatchStar(name=found) | ast.MatchMapping(rest=found):
            return found == name
        case ast.Name(id=found, ctx=ast.Store()):
            return found == name
    return False


def _check_nature(candidate: Candidate, path: str, name: str, last: ast.stmt) -> None:
    """Refuse what plainly is no function, by the last statement that binds the name."""
    match last:
        case ast.AsyncFunctionDef(decorator_list=[]):
            remedy = "call asyncio.run in it"
            candidate.refuse(path, f"{name} is a coroutine function", "an ordinary function", remedy)
        case ast.Assign(value=ast.expr() as value) | ast.AnnAssign(value=ast.expr() as value):
            targets = last.targets if isinstance(last, ast.Assign) else [last.target]
            if _is_constant(value) and any(isinstance(one, ast.Name) and one.id == name for one in targets):
                found = f"{name} is a constant, by line {value.lineno}, and cannot be called"
                candidate.refuse(path, found, "a function", NAME_IT)


def _is_constant(value: ast.expr) -> bool:
    if isinstance(value, ast.UnaryOp | ast.BinOp):
        parts = [value.operand] if isinstance(value, ast.UnaryOp) else [value.left, value.right]
        return all(isinstance(part, ast.Constant) for part in parts)
    return isinstance(value, _NO_FUNCTIONS)


def _parse(candidate: Candidate, path: str, source: bytes) -> ast.Module | None:
    """Return the module's syntax tree, or None with a refusal or, where this Python may be too old, a warning."""
    version = candidate.machine.python or sys.version_info[:2]
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(source, path, feature_version=version)
    except (RecursionError, MemoryError):
        candidate.warn(f"{shown(path)} is nested too deeply to search it for the handler")
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        _not_python(candidate, path, shown(line), version)
    return None


def _not_python(candidate: Candidate, path: str, line: str, version: tuple[int, int]) -> None:
    found = f"not Python {version[0]}.{version[1]}: {line}"
    if version > sys.version_info[:2]:
        candidate.warn(
            f"{shown(path)} is {found}, as far as Python {sys.version_info[0]}.{sys.version_info[1]} can tell;"
            " the smoke test shows whether it is"
        )
    else:
        candidate.refuse(path, found, "valid source", "fix it")


def _lacking(candidate: Candidate, path: str, name: str, text: bytes, known: list[str]) -> None:
    if _MAY_BIND.search(text):
        candidate.warn(f"{shown(path)} does not spell out {name}: it must be set while the module is imported")
        return
    near = difflib.get_close_matches(name, known[:_COMPARED], n=1)
    remedy = f"did you mean {near[0]}? Name it in dropshift.toml: [application] handler" if near else NAME_IT
    allowed = f"one of its functions: {', '.join(sorted(known)[:8]) or 'it has none'}"
    candidate.refuse(path, f"nothing called {name} in it", shown(allowed), remedy)
