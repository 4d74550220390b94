"""Pure: whether a Python handler exists. Its module is parsed, never imported.

Source: AWS Lambda developer guide, "Define Lambda function handler in Python": `module.function`, where the module may
be in packages, with '.' or '/' between them.
"""

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility import bytecode, python_name
from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.distributions import NOT_EDITABLE, editable
from deployer.inspection.compatibility.module_search import find, packages, places, report_missing

_BUILT_IN = frozenset(
    "atexit builtins errno faulthandler gc itertools marshal posix pwd sys time".split()  # noqa: SIM905 - a list of words
)
"""Modules compiled into every Python, which are found before any file; the runtime refuses a handler in them."""


def check_handler(candidate: Candidate, handler: str) -> None:
    """Refuse a handler that the runtime cannot find, and warn of one that must come from outside the archive."""
    module, _, name = handler.rpartition(".")
    module = module.replace("/", ".")
    path = find(candidate, module) if all(module.split(".")) else None
    hidden = _hidden(candidate, module)
    if hidden:
        candidate.refuse(
            hidden[0], f"hidden by {hidden[1]}: it is never imported", "one of the two", "rename one of them"
        )
    elif path is None:
        _missing(candidate, handler, module)
    elif not _foreign_bytecode(candidate, [*packages(candidate, module), path]):
        python_name.check(candidate, path, name)


def _hidden(candidate: Candidate, module: str) -> tuple[str, str] | None:
    """Return a parent package of the module that Python does not find, and the file that it imports instead.

    A module `app.py` hides a directory `app` that has no `__init__.py`.
    """
    first, *rest = module.split(".")
    if first in _BUILT_IN:
        return first, f"the built-in module {first}"
    for depth in range(1, len(rest) + 1):
        package = ".".join([first, *rest[: depth - 1]])
        found = find(candidate, package) or ""
        is_package = found.rpartition("/")[2].startswith("__init__.")
        text = candidate.text(found) if found and not is_package else None
        if text is not None and b"__path__" not in text:
            return package.replace(".", "/"), found
    return None


def _missing(candidate: Candidate, handler: str, module: str) -> None:
    wanted = module.replace(".", "/") + ".py"
    words = "module", "a module to import", _remedy(candidate, module, wanted)
    report_missing(candidate, handler, wanted, words, packages(candidate, module))


def _remedy(candidate: Candidate, module: str, wanted: str) -> str:
    if deeper := candidate.deeper(places(candidate, module)):
        return deeper
    if other_case := next((path for path in candidate.entries if path.lower() == wanted.lower()), None):
        return f"rename {shown(other_case)}: Linux distinguishes upper and lower case"
    version = "".join(map(str, candidate.machine.python or ()))
    if candidate.anywhere(f"__pycache__/{module.rpartition('.')[2]}.cpython-{version}.pyc"):
        return "bytecode in __pycache__ needs its source beside it: pack the .py file, or the .pyc in its place"
    if pointers := editable(candidate):
        return f"{shown(pointers[0].path)} only points to {shown(pointers[0].place)}: {NOT_EDITABLE}"
    return python_name.NAME_IT


def _foreign_bytecode(candidate: Candidate, paths: list[str]) -> bool:
    """Refuse bytecode of another Python, in the handler's module or in a parent package."""
    faults = {path: found for path in paths if path.endswith(".pyc") and (found := bytecode.foreign(candidate, path))}
    for path, found in faults.items():
        allowed = f"bytecode of {candidate.machine.runtime}"
        candidate.refuse(path, found, allowed, "compile it again, or pack the source")
    return bool(faults)
