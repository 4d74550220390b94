"""Pure: the places where the runtime looks for a handler's module, in the archive and outside of it.

Sources: AWS Lambda developer guide, "Lambda layers" and "Defined runtime environment variables"; Python's `site`.
"""

import re
from collections.abc import Sequence

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate

_TASK_ROOT = "/var/task"
_LAYERS = "/opt/"
_ROOTS = 20
"""The most directories, and .pth files, that are searched; real releases have a few."""
_MAY_PROVIDE = re.compile(
    rb"\bsys\.(path|modules|meta_path|path_hooks)\b|from sys import|__path__|importlib\.(abc|machinery|util)|addsitedir"
)
"""Signs of code that makes modules importable when it runs, as the launcher of a packed PEX does."""


def roots(candidate: Candidate) -> list[str]:
    """Return the directories of the archive in which modules are searched: "" for its root, "src/" for others.

    The function's PYTHONPATH or NODE_PATH adds some, and .pth files at the root add others.
    """
    named = [*candidate.function.module_path]
    for path in _site_files(candidate):
        lines = (candidate.text(path) or b"").decode("utf-8", "replace").splitlines()
        named += [line for line in lines if not line.startswith(("#", "import ", "import\t"))]
    inside = [path.removeprefix(_TASK_ROOT).strip("/") for path in named if not _is_elsewhere(path)]
    return ["", *(f"{path}/" for path in dict.fromkeys(inside[:_ROOTS]) if path)]


def find(candidate: Candidate, module: str) -> str | None:
    """Return the file from which Python imports a module."""
    return next((place for place in places(candidate, module) if candidate.file(place)), None)


def places(candidate: Candidate, module: str) -> list[str]:
    """Return the places where Python's own finder looks for a module, in its order."""
    suffixes = (*candidate.machine.extension_suffixes, ".py", ".pyc")
    bases = [root + module.replace(".", "/") for root in roots(candidate)]
    return [base + package + suffix for base in bases for package in ("/__init__", "") for suffix in suffixes]


def packages(candidate: Candidate, module: str) -> list[str]:
    """Return the files that Python imports on its way to a module."""
    parts = module.split(".")
    found = (find(candidate, ".".join(parts[:depth])) for depth in range(1, len(parts)))
    return [path for path in found if path]


def report_missing(
    candidate: Candidate, handler: str, place: str, words: tuple[str, str, str], on_the_way: Sequence[str] = ()
) -> None:
    """Refuse a handler whose place is empty, or warn of it where something else may bring it.

    `words` are for what is missing, what is allowed, and what to do.
    """
    what, allowed, remedy = words
    if source := _brought_by(candidate, handler, on_the_way):
        candidate.warn(
            f"{shown(place)} is not in the archive: {source} must provide the handler {handler}, and the smoke test"
            f" shows whether it does; if not, {remedy}"
        )
    else:
        candidate.lack(place, f"no such {what} in the archive, but the handler is {handler}", allowed, remedy)


def _brought_by(candidate: Candidate, handler: str, on_the_way: Sequence[str]) -> str | None:
    """Return what may provide a handler that is not in the archive: a layer, another path, or a parent package."""
    if candidate.function.layers or handler.startswith(_LAYERS):
        return "a layer of the function"
    if path := next((path for path in candidate.function.module_path if _is_elsewhere(path)), None):
        return shown(path)
    code = [*on_the_way, *_site_files(candidate)]
    return next((shown(path) for path in code if _may_provide(path, candidate.text(path))), None)


def _may_provide(path: str, text: bytes | None) -> bool:
    return text is None or not path.endswith((".py", ".pth")) or bool(_MAY_PROVIDE.search(text))


def _site_files(candidate: Candidate) -> list[str]:
    """Return the .pth files that the runtime honours: those at the root."""
    return [path for path in candidate.kept(".pth") if "/" not in path][:_ROOTS]


def _is_elsewhere(path: str) -> bool:
    return path.startswith("/") and not f"{path}/".startswith(f"{_TASK_ROOT}/")
