"""Make this process look as if the application had been deployed natively: environment, paths, working directory.

Every path at or below the task root becomes the same path in the release's tree; nothing else changes.
"""

import os
import re
import sys
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from ..pointer import VARIABLE

ENTRY = "bootstrap.handler"
"""The handler that the function is configured with: where a variable says so, the application's handler is meant."""
CONCURRENCY_VARIABLE, WHOLE_CONCURRENCY_VARIABLE = "AWS_LAMBDA_MAX_CONCURRENCY", "DROPSHIFT_CONCURRENCY"
"""Number of processes that a managed instance's runtime forks, and the same number in one that re-executed."""
AGAIN = "DROPSHIFT_AGAIN"
"""Set in a process that has started again in place: what it loaded a moment ago needs no second look."""
OURS = (VARIABLE, "DROPSHIFT_RELEASES", "DROPSHIFT_HAND_OVER", "DROPSHIFT_TAKEN", WHOLE_CONCURRENCY_VARIABLE, AGAIN)

BEFORE_PATH = r"(?:(?<![\w.~/-])|(?<=:/{2})|(?<=:/{3})|(?<=^-\w)|(?<=\s-\w))"
"""Positions at which a path may begin: not within another one, but after a URL's scheme or an option's letter."""


class Process(NamedTuple):
    """The command line and environment of this process, before the runtime or the bootstrap changed anything."""

    environment: dict[str, str]
    directory: str

    @classmethod
    def now(cls) -> "Process":
        """Read it: `os.environ` lacks what the runtime has taken out, such as the log pipe's number."""
        with open("/proc/self/environ", "rb") as file:
            pairs = [os.fsdecode(pair).partition("=") for pair in file.read().split(b"\0") if pair]
        return cls({name: value for name, _, value in pairs}, os.getcwd())

    def environment_at(self, root: str, handler: str = ENTRY) -> dict[str, str]:
        """Return the environment that a native deployment at `root` would have been started with."""
        return native(self.environment, root, handler)

    def must_start_again(self, root: str, matters: Callable[[str], bool]) -> bool:
        """Return whether the release has files that a process looks for at its start, and this one looked too early.

        The dynamic loader and `site` read their variables once. `matters` returns whether a folder of the tree holds a
        library or a `sitecustomize`.
        """
        given, old = self.environment, self.environment.get("LAMBDA_TASK_ROOT", "")
        preloaded = given.get("LD_PRELOAD", "")
        searched = [*given.get("LD_LIBRARY_PATH", "").split(":"), *given.get("PYTHONPATH", "").split(":")]
        pairs = [(path, moved(path, old, root)) for path in searched]
        return moved(preloaded, old, root) != preloaded or any(new != path and matters(new) for path, new in pairs)

    def start_again(self, further: dict[str, str], root: str = "") -> NoReturn:
        """Execute the runtime again in this process, with its first environment and `further` variables.

        With `root`, all variables but the task root itself name the tree.

        On managed instances the runtime forks N workers. A worker that re-executes must not fork again, so its
        concurrency is set to 1.
        """
        changed = self.environment | further | {AGAIN: "1"}
        if root:
            old = changed.get("LAMBDA_TASK_ROOT", "")
            kept = (*OURS, "LAMBDA_TASK_ROOT")
            changed |= {name: moved(value, old, root) for name, value in changed.items() if name not in kept}
        if CONCURRENCY_VARIABLE in changed:
            changed |= {WHOLE_CONCURRENCY_VARIABLE: changed[CONCURRENCY_VARIABLE], CONCURRENCY_VARIABLE: "1"}
            changed.pop("_LAMBDA_TELEMETRY_LOG_FD", None)  # the runtime closed it before it forked
        sys.stdout.flush()
        os.chdir(self.directory)
        os.execve(sys.executable, sys.orig_argv, changed)  # noqa: S606 - our own command line

    def become(self, command: tuple[str, ...], root: str) -> NoReturn:
        """Replace the runtime by a native program, which speaks the Runtime API itself; raises OSError."""
        sys.stdout.flush()
        os.chdir(root)
        os.execvpe(command[0], command, self.environment_at(root, command[0]))  # noqa: S606 - the release's program


def native(given: dict[str, str], root: str, handler: str) -> dict[str, str]:
    """Return the environment that a native deployment of `handler` at `root` would have."""
    old = given.get("LAMBDA_TASK_ROOT", "")
    changed = {
        name: handler if value == ENTRY else moved(value, old, root)
        for name, value in given.items()
        if name not in OURS
    }
    if WHOLE_CONCURRENCY_VARIABLE in given:
        changed[CONCURRENCY_VARIABLE] = given[WHOLE_CONCURRENCY_VARIABLE]
    return {**changed, "LAMBDA_TASK_ROOT": root}


def moved(text: str, old: str, new: str) -> str:
    """Return a text in which every path at or below `old` is at or below `new`.

    A path may stand alone, in a list, behind an option, in quotes or in a URL; `old` inside a longer name is no path.
    """
    if not old or old not in text:
        return text
    return re.sub(rf"{BEFORE_PATH}{re.escape(old)}(?![\w.~-])", lambda _: new, text)


def adopt(root: str, handler: str) -> None:
    """Become the application's process in place."""
    old = os.environ.get("LAMBDA_TASK_ROOT", "")
    wanted = native(dict(os.environ), root, handler)
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in wanted.items() if os.environ.get(name) != value})
    sys.path[:] = [moved(path, old, root) for path in sys.path]
    sys.path_importer_cache.pop(old, None)
    sys.argv[:] = [handler if word == ENTRY else word for word in sys.argv]
    os.chdir(root)
    _read_path_files(root)


def forget(before: set[str]) -> None:
    """Drop every module that came with the bootstrap; the application's imports find a clean table."""
    for name in sys.modules.keys() - before:
        del sys.modules[name]


def _read_path_files(root: str) -> None:
    """Honour `.pth` files as the managed runtime does, whose main module adds the task root as a site directory."""
    import site  # noqa: PLC0415 - always loaded already, except under -S, where `.pth` files mean nothing

    main = sys.modules.get("__main__")
    if hasattr(main, "add_default_site_directories"):
        site.addsitedir(root)
