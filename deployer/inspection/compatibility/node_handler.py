"""Pure: whether a Node.js handler exists. JavaScript is not parsed: only impossible handlers are refused.

Source: AWS Lambda developer guide, "Define Lambda function handler in Node.js"; Node.js documentation,
"Determining module system" and "Modules: CommonJS modules", "Loading from node_modules folders".
"""

import json
import re
from pathlib import PurePosixPath
from typing import Literal

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.module_search import brought_by, roots

SUFFIXES = ("", ".js", ".mjs", ".cjs")
"""In the order in which the runtime looks."""
type _System = Literal["module", "commonjs"]
_EXPORTING: dict[_System | None, re.Pattern[bytes]] = {
    "module": re.compile(rb"\bexport\b"),
    "commonjs": re.compile(rb"\b(exports|module|this|require|eval|Function)\b"),
    None: re.compile(rb"\b(export|exports|module|this|require|eval|Function)\b"),
}
"""Words of which a file must contain at least one to export anything, by module system."""
_READ_AS: dict[str, tuple[_System, str]] = {
    ".mjs": ("module", "an ES module, as a .mjs file is,"),
    ".cjs": ("commonjs", "a CommonJS module, as a .cjs file is,"),
    "module": ("module", 'an ES module, because package.json says "type": "module",'),
    "commonjs": ("commonjs", 'a CommonJS module, because package.json says "type": "commonjs",'),
}
_ESM = re.compile(
    rb"^[ \t]*(export\s+(default|const|let|var|async|function|class|\{|\*)|import\s+[\w{*\"'])", re.MULTILINE
)
_MAYBE_COMMONJS = re.compile(rb"\b(exports\b|require\s*\()")
_REPLACES = re.compile(
    rb"export\s*\*|export\s+default\b|exports\s*\[|module\.exports\s*=\s*[^\s{]|\{[^{}]*\.\.\.|\\u"
    rb"|\b(__exportStar|_export_star|assign|defineProperty|entries|keys|eval|Function)\s*\("
)
"""Exports whose names need not be in the file."""
_REQUIRES = re.compile(rb"\brequire\s*\(")
_CONSTANT = (
    rb"(?:exports\s*\.\s*%b\s*=|export\s+(?:const|let|var)\s+%b\s*=|[{,]\s*%b\s*:)\s*"
    rb"(?:[-+]?\d[\w.]*|true|false|null|undefined|'[^'\\\n]*'|\"[^\"\\\n]*\"|`[^`\\$]*`|\[[^\]\[]*\])\s*(?:[;,}\n]|//|$)"
)
"""An export of a number, a text, a list or the like under a name."""
_NAME_IT = 'add it, or name the right one in dropshift.toml: [application] handler = "file.function"'


def check_handler(candidate: Candidate, handler: str) -> None:
    """Refuse a handler that the runtime cannot find, and warn of one that must come from outside the archive."""
    module, names = _split(handler)
    inside = [] if module.startswith("/") else [module + suffix for suffix in SUFFIXES]
    path = next((place for place in inside if candidate.file(place)), None)
    if path is None:
        if not inside or not _is_package(candidate, module):
            _missing(candidate, handler, module)
        return
    source = candidate.text(path)
    if source is not None:
        _check_exports(candidate, path, names, source)


def _split(handler: str) -> tuple[str, list[str]]:
    """Return module and exported names: the module ends at the first dot behind the last slash, names may be nested."""
    folder, slash, rest = handler.rpartition("/")
    file, _, names = rest.partition(".")
    return folder + slash + file, names.split(".")


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
    if source := brought_by(candidate, handler):
        candidate.warn(
            f"{shown(places[0])} is not in the archive: {source} must provide the handler {handler}, and the smoke test"
            f" shows whether it does; if not, {remedy}"
        )
    else:
        found = f"no such file in the archive, but the handler is {handler}"
        candidate.lack(places[0], found, ", ".join(map(shown, places)), remedy)


def _check_exports(candidate: Candidate, path: str, names: list[str], source: bytes) -> None:
    system, read_as = _read_as(candidate, path)
    name, replaces = names[0], _REPLACES.search(source)
    if not _EXPORTING[system].search(source):
        remedy = f"export the handler, or rename it to {'.cjs' if system == 'module' else '.mjs'} if it is written so"
        candidate.refuse(path, f"{read_as} that exports nothing", "a file that exports the handler", remedy)
    elif name.encode() not in source:
        _not_spelt_out(candidate, path, name, certain=not replaces and not _REQUIRES.search(source))
    elif len(names) == 1 and not replaces and _is_constant(name.encode(), source):
        candidate.refuse(path, f"{name} is a constant, and cannot be called", "a function", "export a function")
    if path.endswith(".js") and system is None and _ESM.search(source) and not _MAYBE_COMMONJS.search(source):
        candidate.warn(f'{shown(path)} has export statements: set "type": "module" in package.json for a faster start')


def _not_spelt_out(candidate: Candidate, path: str, name: str, *, certain: bool) -> None:
    if certain:
        candidate.refuse(path, f"nothing called {name} in it", "a file that exports it", "export it, or name another")
    else:
        candidate.warn(f"{shown(path)} does not spell out {name}: it must come from another file")


def _is_constant(name: bytes, source: bytes) -> bool:
    """Return whether the one place where a name stands exports a constant under it."""
    word = re.escape(name)
    once = len(re.findall(rb"(?<![\w$])%b(?![\w$])" % word, source)) == 1
    return once and re.search(_CONSTANT.replace(b"%b", word), source) is not None


def _read_as(candidate: Candidate, path: str) -> tuple[_System | None, str]:
    """Return the module system of a file, and the reason; None where Node.js decides by its statements."""
    ending = path[-4:] if path.endswith((".mjs", ".cjs")) else _declared(candidate, path) or ""
    return _READ_AS.get(ending, (None, "a module"))


def _declared(candidate: Candidate, path: str) -> str | None:
    """Return the "type" of the nearest package.json."""
    for directory in PurePosixPath(path).parents:
        place = f"{directory}/package.json".removeprefix("./")
        text = candidate.text(place)
        if text is not None:
            return _type(candidate, place, text)
    return None


def _type(candidate: Candidate, place: str, text: bytes) -> str | None:
    try:
        package = json.loads(text)
    except RecursionError:
        return None
    except ValueError as error:
        candidate.refuse(place, f"not JSON: {shown(str(error))}", "JSON", "fix it")
        return None
    declared = package.get("type") if isinstance(package, dict) else None
    return declared if isinstance(declared, str) else None
