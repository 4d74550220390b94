"""Pure: whether an archive will run in its function."""

from deployer.archive import Contents
from deployer.function import FunctionFacts
from deployer.manifest import Application, Kind
from deployer.values import Problem, Value

_USUAL_HANDLERS = {
    "python": ("lambda_function.py", "lambda_function.lambda_handler"),
    "nodejs": ("index", "index.handler"),
}
_NODE_SUFFIXES = (".mjs", ".js", ".cjs")


class Start(Value):
    """What a release becomes at cold start."""

    kind: Kind
    handler: str | None = None
    command: tuple[str, ...] = ()


def start(contents: Contents, application: Application, function: FunctionFacts) -> Start | tuple[Problem, ...]:
    """Settle how the release starts, from the manifest, the function's runtime and the archive."""
    kind = application.kind or _kind(function.runtime)
    if kind in ("executable", "command"):
        return Start(kind=kind, command=application.command)
    paths = frozenset(entry.path for entry in contents.entries if entry.kind != "directory")
    handler = application.handler or _USUAL_HANDLERS[kind][1]
    module = handler.rpartition(".")[0]
    candidates = _python_files(module) if kind == "python" else tuple(module + suffix for suffix in _NODE_SUFFIXES)
    if paths.intersection(candidates):
        return Start(kind=kind, handler=handler)
    problem = Problem(
        where=candidates[0],
        found=f"no such file in the archive, and the handler is {handler}",
        allowed=", ".join(candidates),
        remedy='add the file, or name the handler in dropshift.toml: [application] handler = "module.function"',
    )
    return (problem,)


def _kind(runtime: str) -> Kind:
    if runtime.startswith("nodejs"):
        return "nodejs"
    return "python" if runtime.startswith("python") else "executable"


def _python_files(module: str) -> tuple[str, ...]:
    path = module.replace(".", "/")
    return (f"{path}.py", f"{path}/__init__.py", f"{path}.pyc")
