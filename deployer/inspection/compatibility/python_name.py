"""Pure: whether a Python module, as source or bytecode, has the function that a handler names."""

import ast
import difflib
import sys
import warnings

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.module_search import find
from deployer.inspection.compatibility.python_module import MAY_BIND, Binding, bindings, functions

NAME_IT = 'add it, or name the right one in dropshift.toml: [application] handler = "module.function"'
_COMPARED = 1_000
"""Functions whose names are compared with the handler's."""
_IMPORTS = 8
"""Number of modules through which a re-exported handler is followed."""


def check(candidate: Candidate, path: str, name: str, module: str, depth: int = _IMPORTS) -> None:
    """Refuse a module that certainly lacks the function; warn of one that may have it only after its import."""
    text = candidate.text(path)
    if text is None:
        if path.endswith(".py"):
            candidate.warn(f"{shown(path)} is too large to search it for the handler")
    elif path.endswith(".pyc"):
        if name.encode() not in text:
            _lacking(candidate, path, name, text, [])
    elif tree := _parse(candidate, path, text):
        found = bindings(tree, name)
        if not found:
            _lacking(candidate, path, name, text, functions(tree))
        elif not MAY_BIND.search(text):
            _check_natures(candidate, path, name, found)
        if len(found) == 1 and found[0].nature == "import" and depth:
            _follow(candidate, found[0], module, path, depth)


def _check_natures(candidate: Candidate, path: str, name: str, ways: list[Binding]) -> None:
    natures = {binding.nature for binding in ways}
    if natures == {"coroutine"}:
        remedy = "call asyncio.run in it"
        candidate.refuse(path, f"{name} is a coroutine function", "an ordinary function", remedy)
    elif natures == {"constant"}:
        found = f"{name} is a constant, by line {ways[-1].line}, and cannot be called"
        candidate.refuse(path, found, "a function", NAME_IT)


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
    if MAY_BIND.search(text):
        candidate.warn(f"{shown(path)} does not spell out {name}: it must be set while the module is imported")
        return
    near = difflib.get_close_matches(name, known[:_COMPARED], n=1)
    remedy = f"did you mean {near[0]}? Name it in dropshift.toml: [application] handler" if near else NAME_IT
    allowed = f"one of its functions: {', '.join(sorted(known)[:8]) or 'it has none'}"
    candidate.refuse(path, f"nothing called {name} in it", shown(allowed), remedy)


def _follow(candidate: Candidate, found: Binding, module: str, path: str, depth: int) -> None:
    """Check a re-exported handler in the module that it is imported from, if that is in the archive."""
    package = module.split(".") if path.endswith("/__init__.py") else module.split(".")[:-1]
    base = package[: len(package) - found.level + 1] if found.level else []
    target = ".".join([*base, *([found.module] if found.module else [])])
    if find(candidate, f"{target}.{found.original}"):
        return
    place = find(candidate, target)
    if place and place.endswith(".py") and place != path:
        check(candidate, place, found.original, target, depth - 1)
