"""Pure: whether a Node.js handler is there, and whether its file is read as the module it is.

Source: AWS Lambda developer guide, "Define Lambda function handler in Node.js"; Node.js documentation,
"Determining module system". JavaScript is not parsed: what is only likely is a warning.
"""

import json
import re

from deployer.inspection.compatibility.candidate import Candidate

SUFFIXES = ("", ".js", ".mjs", ".cjs")
"""In the order in which the runtime looks."""
_DETECTS_MODULES = 22
"""From this version on, Node.js reads a .js file with import or export statements as a module by itself."""
_ESM = re.compile(
    rb"^\s*(export\s+(default|const|let|var|async|function|class|\{|\*)|import\s+[\w{*\"'])", re.MULTILINE
)
_COMMONJS = re.compile(rb"^\s*(module\.exports|exports\.\w+)\s*[=.\[]", re.MULTILINE)
_MAYBE_ESM = re.compile(rb"\b(export(\s+\w|\s*[{*])|import(\s+\w|\s*[{*\"'.]))")
_MAYBE_COMMONJS = re.compile(rb"\b(exports\b|require\s*\()")
"""Minified code has its statements anywhere in a line, and texts look like statements: one sign of the other kind is
enough to leave the decision to Node.js."""
_MAYBE_MORE = re.compile(
    rb"export\s*\*|exports\s*\[|\b(require|__exportStar|_export_star|assign|defineProperty|entries|keys)\s*\("
    rb"|module\.exports\s*=\s*[^\s{]"
)
"""Exports whose names the file need not spell out."""


def check_handler(candidate: Candidate, handler: str) -> None:
    """Say what keeps the runtime from finding the handler."""
    module, name = _split(handler)
    path = next((module + suffix for suffix in SUFFIXES if candidate.file(module + suffix)), None)
    if path is None:
        if not _is_package(candidate, module):
            _missing(candidate, handler, module)
        return
    source = candidate.text(path)
    if source is None:
        return
    _check_module_type(candidate, path, source)
    if name.encode() not in source:
        _no_such_name(candidate, path, name, source)


def _split(handler: str) -> tuple[str, str]:
    """Return module and exported name: the module ends at the first dot behind the last slash, names may be nested."""
    folder, slash, rest = handler.rpartition("/")
    file, _, names = rest.partition(".")
    return folder + slash + file, names.partition(".")[0]


def _is_package(candidate: Candidate, module: str) -> bool:
    """Say whether a directory stands for a module, as `require` would take it."""
    return any(candidate.file(f"{module}/{file}") for file in ("package.json", "index.js"))


def _no_such_name(candidate: Candidate, path: str, name: str, source: bytes) -> None:
    if _MAYBE_MORE.search(source):
        candidate.warn(f"{path} does not spell out {name}: it has to come from another file")
        return
    candidate.refuse(
        path, f"nothing called {name} in it", "a file that exports the handler", "export it, or name another"
    )


def _missing(candidate: Candidate, handler: str, module: str) -> None:
    places = [module + suffix for suffix in SUFFIXES[1:]]
    elsewhere = next((found for place in places if (found := candidate.anywhere(place))), None)
    typescript = next((module + s for s in (".ts", ".mts", ".cts", ".tsx") if candidate.file(module + s)), None)
    remedy = 'add it, or name the right one in dropshift.toml: [application] handler = "file.function"'
    if typescript:
        remedy = f"{typescript} is TypeScript: compile it to JavaScript before packing"
    elif elsewhere:
        deeper = elsewhere.rpartition("/" + module)[0]
        remedy = f"it is at {elsewhere}: pack what is inside {deeper}, not {deeper} itself"
    candidate.refuse(places[0], f"no such file in the archive, and the handler is {handler}", ", ".join(places), remedy)


def _check_module_type(candidate: Candidate, path: str, source: bytes) -> None:
    esm = _ESM.search(source) and not _MAYBE_COMMONJS.search(source)
    commonjs = _COMMONJS.search(source) and not _MAYBE_ESM.search(source)
    declared = _type(candidate, path)
    if path.endswith(".js") and declared == "module" and commonjs:
        candidate.refuse(
            path,
            'CommonJS exports, but package.json says "type": "module"',
            "export statements in modules",
            "rename it to .cjs, write export, or drop the type",
        )
    elif path.endswith(".mjs") and commonjs:
        candidate.refuse(
            path, "CommonJS exports in a .mjs file", "export statements", "rename it to .cjs or write export"
        )
    elif path.endswith(".cjs") and esm:
        candidate.refuse(path, "export statements in a .cjs file", "module.exports", "rename it to .mjs")
    elif path.endswith(".js") and declared != "module" and esm:
        _plain_js_with_exports(candidate, path)


def _plain_js_with_exports(candidate: Candidate, path: str) -> None:
    if (candidate.machine.node or 0) >= _DETECTS_MODULES:
        candidate.warn(
            f'{path} has export statements: say "type": "module" in package.json, so that Node need not guess'
        )
        return
    candidate.refuse(
        path,
        'export statements, but package.json does not say "type": "module"',
        "module.exports in CommonJS files",
        'add "type": "module" to package.json, or rename it to .mjs',
    )


def _type(candidate: Candidate, path: str) -> str | None:
    """Return the "type" of the nearest package.json."""
    directory = path
    while directory:
        directory = directory.rpartition("/")[0]
        place = f"{directory}/package.json" if directory else "package.json"
        text = candidate.text(place)
        if text is not None:
            return _read_type(candidate, place, text)
    return None


def _read_type(candidate: Candidate, place: str, text: bytes) -> str | None:
    try:
        package = json.loads(text)
    except (ValueError, RecursionError) as error:
        candidate.refuse(place, f"not JSON: {error}", "JSON", "mend it")
        return None
    declared = package.get("type") if isinstance(package, dict) else None
    return declared if isinstance(declared, str) else None
