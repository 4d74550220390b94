"""Pure: whether a Node.js handler exists. JavaScript is not parsed: only impossible handlers are refused.

Source: AWS Lambda developer guide, "Define Lambda function handler in Node.js"; Node.js documentation,
"Determining module system" and "Modules: CommonJS modules", "Loading from node_modules folders".
"""

import re
from pathlib import PurePosixPath

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.module_search import report_missing, roots

SUFFIXES = ("", ".js", ".mjs", ".cjs")
"""In the order in which the runtime looks."""
_EXPORTING = re.compile(rb"\b(export|exports|module|this|require|eval|Function)\b")
"""Words of which a file must contain at least one to export anything."""
_OTHERS = re.compile(
    rb"export\s*\*|export\s+default\b|exports\s*\[|module\.exports\s*=\s*[^\s{]|\{[^{}]*\.\.\.|\\u"
    rb"|\b(require|__exportStar|_export_star|assign|defineProperty|entries|keys|eval|Function)\s*\("
)
"""Exports whose names need not be in the file."""
_NAME_IT = 'add it, or name the right one in dropshift.toml: [application] handler = "file.function"'


def check_handler(candidate: Candidate, handler: str) -> None:
    """Refuse a handler that the runtime cannot find, and warn of one that must come from outside the archive."""
    module, name = _split(handler)
    inside = [] if module.startswith("/") else [module + suffix for suffix in SUFFIXES]
    path = next((place for place in inside if candidate.file(place)), None)
    if path is None:
        if not inside or not _is_package(candidate, module):
            _missing(candidate, handler, module)
        return
    source = candidate.text(path)
    if source is not None:
        _check_exports(candidate, path, name, source)


def _split(handler: str) -> tuple[str, str]:
    """Return module and export: the module ends at the first dot behind the last slash, and names may be nested."""
    folder, slash, rest = handler.rpartition("/")
    file, _, names = rest.partition(".")
    return folder + slash + file, names.partition(".")[0]


def _is_package(candidate: Candidate, module: str) -> bool:
    """Return whether `require` finds a directory that stands for a module, or a package by its name."""
    folder, _, name = module.rpartition("/")
    above = [PurePosixPath(folder), *PurePosixPath(folder).parents]
    bases = [module, *(f"{directory}/node_modules/{name}" for directory in above)]
    bases += [root + name for root in roots(candidate)]
    return any(candidate.file(base + file) for base in bases for file in ("/package.json", "/index.js", ".js", ".cjs"))


def _missing(candidate: Candidate, handler: str, module: str) -> None:
    places = [module + suffix for suffix in SUFFIXES[1:]]
    typescript = next((module + s for s in (".ts", ".mts", ".cts", ".tsx") if candidate.file(module + s)), None)
    remedy = f"{shown(typescript)} is TypeScript: compile it to JavaScript before packing" if typescript else None
    remedy = remedy or candidate.deeper(places) or _NAME_IT
    report_missing(candidate, handler, places[0], ("file", ", ".join(map(shown, places)), remedy))


def _check_exports(candidate: Candidate, path: str, name: str, source: bytes) -> None:
    """Refuse a file that certainly lacks the export; whether it is a function, the smoke test shows."""
    if not _EXPORTING.search(source):
        candidate.refuse(path, "a module that exports nothing", "a file that exports the handler", "export the handler")
    elif name.encode() in source:
        return
    elif _OTHERS.search(source):
        candidate.warn(f"{shown(path)} does not spell out {name}: it must come from another file")
    else:
        candidate.refuse(path, f"nothing called {name} in it", "a file that exports it", "export it, or name another")
