"""Pure: whether a Python handler is there. The module is parsed, never imported.

Source: AWS Lambda developer guide, "Define Lambda function handler in Python": `module.function`, where the
module may lie in packages, with '.' or '/' between them.
"""

import ast
import difflib
import re
import warnings

from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.python_names import Bound, Name, bound

MAGIC = {(3, 9): 3425, (3, 10): 3439, (3, 11): 3495, (3, 12): 3531, (3, 13): 3571, (3, 14): 3627}
"""Number in the first two bytes of bytecode, by Python version: CPython's pycore_magic_number.h."""
_OPEN = re.compile(rb"[zZ\xda\xfa]\x01\*|__getattr__|__dict__|globals|locals|exec|setattr|vars|modules")
"""Constants in bytecode of a module that may have names it does not spell out; the first is a star import's."""
_BUILT_IN = frozenset(
    "atexit builtins errno faulthandler gc itertools marshal posix pwd signal sys time".split()  # noqa: SIM905 - a list of words
)
"""Modules compiled into every Python, which are found before any file; the runtime refuses a handler in them."""
_IMPORTS = 8
"""How many modules a re-exported handler is followed through."""
_NAME_IT = 'add it, or name the right one in dropshift.toml: [application] handler = "module.function"'


def check_handler(candidate: Candidate, handler: str) -> None:
    """Say what keeps the runtime from finding the handler."""
    module, _, name = handler.rpartition(".")
    module = module.replace("/", ".")
    path = find(candidate, module) if all(module.split(".")) else None
    hidden = _hidden(candidate, module)
    if hidden:
        candidate.refuse(hidden[0], f"hidden by {hidden[1]}: it is never imported", "one of both", "rename one of them")
    elif path is None:
        _missing(candidate, handler, module)
    elif path.endswith(".py"):
        _check_source(candidate, path, name, module, _IMPORTS)
    elif path.endswith(".pyc"):
        _check_bytecode(candidate, path, name)


def find(candidate: Candidate, module: str) -> str | None:
    """Return the file that a module is imported from."""
    return next((place for place in _places(candidate, module) if candidate.file(place)), None)


def _places(candidate: Candidate, module: str) -> list[str]:
    """Return where Python's own finder looks for a module, in its order."""
    base = module.replace(".", "/")
    suffixes = [f".cpython-{_version(candidate)}-{candidate.machine.wheel_architecture}-linux-gnu.so"]
    suffixes += [".abi3.so", ".so", ".py", ".pyc"]
    return [f"{base}/__init__{suffix}" for suffix in suffixes] + [base + suffix for suffix in suffixes]


def _version(candidate: Candidate) -> str:
    return "".join(map(str, candidate.machine.python or ()))


def _hidden(candidate: Candidate, module: str) -> tuple[str, str] | None:
    """Return a package on the way to the module that Python does not come to, and what it takes in its place.

    A module `app.py` is taken before a directory `app` that has no `__init__.py`.
    """
    first, *rest = module.split(".")
    if first in _BUILT_IN:
        return first, f"the built-in module {first}"
    for depth in range(1, len(rest) + 1):
        package = "/".join([first, *rest[: depth - 1]])
        found = find(candidate, package.replace("/", "."))
        if found and not found.startswith(package + "/") and b"__path__" not in (candidate.text(found) or b""):
            return package, found
    return None


def _missing(candidate: Candidate, handler: str, module: str) -> None:
    wanted = module.replace(".", "/") + ".py"
    elsewhere = next(((at, place) for place in _places(candidate, module) if (at := candidate.anywhere(place))), None)
    stem = wanted.rpartition("/")[2].removesuffix(".py")
    cached = candidate.anywhere(f"__pycache__/{stem}.cpython-{_version(candidate)}.pyc")
    other_case = next((path for path in candidate.entries if path.lower() == wanted.lower()), None)
    if elsewhere:
        at, place = elsewhere
        deeper = at.removesuffix("/" + place)
        remedy = f"it is at {at}: pack what is inside {deeper}, not {deeper} itself"
    elif other_case:
        remedy = f"rename {other_case}: Linux tells upper from lower case"
    elif cached:
        remedy = "bytecode in __pycache__ needs its source beside it: pack the .py file, or the .pyc in its place"
    else:
        remedy = _NAME_IT
    candidate.refuse(
        wanted, f"no such module in the archive, and the handler is {handler}", "a module to import", remedy
    )


def _check_source(candidate: Candidate, path: str, name: str, module: str, depth: int) -> None:
    source = candidate.text(path)
    tree = _parse(candidate, path, source) if source is not None else None
    if tree is None:
        if source is None:
            candidate.warn(f"{path} is too large to look for the handler in it")
        return
    names = bound(tree)
    ways = names.get(name)
    if names.open:
        return
    if not ways:
        _no_such_name(candidate, path, name, names)
    elif all(way.coroutine for way in ways):
        candidate.refuse(path, f"{name} is a coroutine function", "an ordinary function", "call asyncio.run in it")
    elif len(ways) == 1 and ways[0].module is not None and depth:
        _follow(candidate, ways[0], module, path, depth)


def _parse(candidate: Candidate, path: str, source: bytes) -> ast.Module | None:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(source, path, feature_version=candidate.machine.python)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        found = f"not Python {candidate.machine.runtime.removeprefix('python')}: {line}"
        candidate.refuse(path, found, "valid source", "mend it")
        return None


def _no_such_name(candidate: Candidate, path: str, name: str, names: Bound) -> None:
    near = difflib.get_close_matches(name, names.names, n=1)
    remedy = f"did you mean {near[0]}? Name it in dropshift.toml: [application] handler" if near else _NAME_IT
    known = ", ".join(sorted(key for key, ways in names.names.items() if any(way.callable for way in ways))[:8])
    candidate.refuse(path, f"nothing called {name} in it", f"one of its functions: {known or 'it has none'}", remedy)


def _follow(candidate: Candidate, found: Name, module: str, path: str, depth: int) -> None:
    """Look for a re-exported handler in the module it is imported from, if that is in the archive."""
    package = module.split(".") if path.endswith("/__init__.py") else module.split(".")[:-1]
    if found.level:
        base = package[: len(package) - found.level + 1]
        target = ".".join([*base, *([found.module] if found.module else [])])
    else:
        target = found.module or ""
    if find(candidate, f"{target}.{found.original}"):
        return
    place = find(candidate, target)
    if place and place.endswith(".py") and place != path:
        _check_source(candidate, place, found.original, target, depth - 1)


def _check_bytecode(candidate: Candidate, path: str, name: str) -> None:
    data = candidate.text(path)
    magic = MAGIC.get(candidate.machine.python or (0, 0))
    if data is None or magic is None:
        return
    if data[:4] != magic.to_bytes(2, "little") + b"\r\n":
        versions = [".".join(map(str, v)) for v, m in MAGIC.items() if data[:2] == m.to_bytes(2, "little")]
        found = f"bytecode of Python {versions[0] if versions else 'of an unknown version'}"
        candidate.refuse(
            path, found, f"bytecode of {candidate.machine.runtime}", "compile it again, or pack the source"
        )
    elif name.encode() not in data and not _OPEN.search(data):
        candidate.refuse(path, f"nothing called {name} in it", "a module with the handler", _NAME_IT)
