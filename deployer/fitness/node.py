"""Pure: whether a Node.js handler is there, and whether its file is read as the module it is.

Source: AWS Lambda developer guide, "Define Lambda function handler in Node.js"; Node.js documentation,
"Determining module system". JavaScript is not parsed: what is only likely is a warning.
"""

import json
import re

from deployer.fitness.notes import Trial

SUFFIXES = ("", ".js", ".mjs", ".cjs")
"""In the order in which the runtime looks."""
_DETECTS_MODULES = 22
"""From this version on, Node.js reads a .js file with import or export statements as a module by itself."""
_ESM = re.compile(
    rb"^\s*(export\s+(default|const|let|var|async|function|class|\{|\*)|import\s+[\w{*\"'])", re.MULTILINE
)
_COMMONJS = re.compile(rb"^\s*(module\.exports|exports\.\w+)\s*[=.\[]", re.MULTILINE)


def check_handler(trial: Trial, handler: str) -> None:
    """Say what keeps the runtime from finding the handler."""
    module, _, name = handler.rpartition(".")
    path = next((module + suffix for suffix in SUFFIXES if trial.file(module + suffix)), None)
    if path is None:
        _missing(trial, handler, module)
        return
    source = trial.text(path)
    if source is None:
        return
    _check_module_type(trial, path, source)
    if name.encode() not in source and not re.search(rb"export\s*\*|module\.exports\s*=\s*(require|\w+\()", source):
        trial.object_to(
            path, f"nothing called {name} in it", "a file that exports the handler", "export it, or name another"
        )


def _missing(trial: Trial, handler: str, module: str) -> None:
    places = [module + suffix for suffix in SUFFIXES[1:]]
    elsewhere = next((found for place in places if (found := trial.anywhere(place))), None)
    typescript = next((module + s for s in (".ts", ".mts", ".cts", ".tsx") if trial.file(module + s)), None)
    remedy = 'add it, or name the right one in dropshift.toml: [application] handler = "file.function"'
    if typescript:
        remedy = f"{typescript} is TypeScript: compile it to JavaScript before packing"
    elif elsewhere:
        deeper = elsewhere.rpartition("/" + module)[0]
        remedy = f"it is at {elsewhere}: pack what is inside {deeper}, not {deeper} itself"
    trial.object_to(places[0], f"no such file in the archive, and the handler is {handler}", ", ".join(places), remedy)


def _check_module_type(trial: Trial, path: str, source: bytes) -> None:
    esm, commonjs = bool(_ESM.search(source)), bool(_COMMONJS.search(source))
    declared = _type(trial, path)
    if path.endswith(".js") and declared == "module" and commonjs and not esm:
        trial.object_to(
            path,
            'CommonJS exports, but package.json says "type": "module"',
            "export statements in modules",
            "rename it to .cjs, write export, or drop the type",
        )
    elif path.endswith(".mjs") and commonjs and not esm:
        trial.object_to(
            path, "CommonJS exports in a .mjs file", "export statements", "rename it to .cjs or write export"
        )
    elif path.endswith(".cjs") and esm and not commonjs:
        trial.object_to(path, "export statements in a .cjs file", "module.exports", "rename it to .mjs")
    elif path.endswith(".js") and declared != "module" and esm and not commonjs:
        _plain_js_with_exports(trial, path)


def _plain_js_with_exports(trial: Trial, path: str) -> None:
    if (trial.machine.node or 0) >= _DETECTS_MODULES:
        trial.warn(f'{path} has export statements: say "type": "module" in package.json, so that Node need not guess')
        return
    trial.object_to(
        path,
        'export statements, but package.json does not say "type": "module"',
        "module.exports in CommonJS files",
        'add "type": "module" to package.json, or rename it to .mjs',
    )


def _type(trial: Trial, path: str) -> str | None:
    """Return the "type" of the nearest package.json."""
    directory = path
    while directory:
        directory = directory.rpartition("/")[0]
        place = f"{directory}/package.json" if directory else "package.json"
        text = trial.text(place)
        if text is not None:
            return _read_type(trial, place, text)
    return None


def _read_type(trial: Trial, place: str, text: bytes) -> str | None:
    try:
        package = json.loads(text)
    except (ValueError, RecursionError) as error:
        trial.object_to(place, f"not JSON: {error}", "JSON", "mend it")
        return None
    declared = package.get("type") if isinstance(package, dict) else None
    return declared if isinstance(declared, str) else None
