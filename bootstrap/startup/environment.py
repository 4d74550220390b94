"""Make this process look as if the application had been deployed natively: environment, paths, working directory.

What the runtime derived from LAMBDA_TASK_ROOT is derived from the tree instead; nothing else changes.
"""

import os
import sys
from typing import NamedTuple, NoReturn

from ..pointer import VARIABLE

LISTS = ("LD_LIBRARY_PATH", "PYTHONPATH", "NODE_PATH", "PATH")
AT_ONCE, ALL_AT_ONCE = "AWS_LAMBDA_MAX_CONCURRENCY", "DROPSHIFT_CONCURRENCY"
"""How many processes a managed instance's runtime forks, and what that was where one of them started again."""
OURS = (VARIABLE, "DROPSHIFT_RELEASES", "DROPSHIFT_HAND_OVER", "DROPSHIFT_TAKEN", ALL_AT_ONCE)


class Process(NamedTuple):
    """How this process was started, before the runtime or the bootstrap changed anything."""

    environment: dict[str, str]
    directory: str

    @classmethod
    def now(cls) -> "Process":
        """Read it: `os.environ` lacks what the runtime has taken out, such as the log pipe's number."""
        with open("/proc/self/environ", "rb") as file:
            pairs = [os.fsdecode(pair).partition("=") for pair in file.read().split(b"\0") if pair]
        return cls({name: value for name, _, value in pairs}, os.getcwd())

    def environment_at(self, root: str, handler: str) -> dict[str, str]:
        """Give the environment that a native deployment at `root` would have been started with."""
        return native(self.environment, root, handler or self.environment.get("_HANDLER", ""))

    def lacks_libraries(self, root: str) -> bool:
        """Tell whether the dynamic loader knows of the task root's libraries, but not of the tree's.

        It reads LD_LIBRARY_PATH once, at the start of a process.
        """
        old = self.environment.get("LAMBDA_TASK_ROOT", "")
        paths = self.environment.get("LD_LIBRARY_PATH", "").split(":")
        return root not in paths and any(path in (old, f"{old}/lib") for path in paths if path)

    def start_again(self, further: dict[str, str], libraries: str = "") -> NoReturn:
        """Start the runtime's process anew in place, as it was but for `further` variables.

        `libraries` replaces the task root in library paths.

        One that a managed instance's runtime has forked must not fork as many again: there it becomes a runtime of one.
        """
        changed = self.environment | further
        if libraries:
            moved = native(self.environment, libraries, "")
            changed["LD_LIBRARY_PATH"] = moved["LD_LIBRARY_PATH"]
        if AT_ONCE in changed:
            changed |= {ALL_AT_ONCE: changed[AT_ONCE], AT_ONCE: "1"}
            changed.pop("_LAMBDA_TELEMETRY_LOG_FD", None)  # the runtime closed it before it forked
        sys.stdout.flush()
        os.chdir(self.directory)
        os.execve(sys.executable, sys.orig_argv, changed)  # noqa: S606 - our own command line

    def become(self, command: tuple[str, ...], root: str) -> NoReturn:
        """Let a native program take the runtime's place: it speaks the Runtime API itself. Raises OSError."""
        sys.stdout.flush()
        os.chdir(root)
        os.execvpe(command[0], command, self.environment_at(root, command[0]))  # noqa: S606 - the release's program


def native(given: dict[str, str], root: str, handler: str) -> dict[str, str]:
    """Give the environment that a native deployment at `root` would have."""
    old = given.get("LAMBDA_TASK_ROOT", "")
    changed = {name: value for name, value in given.items() if name not in OURS}
    if ALL_AT_ONCE in given:
        changed[AT_ONCE] = given[ALL_AT_ONCE]
    for name in LISTS:
        if old and name in changed:
            changed[name] = ":".join(_moved(path, old, root) for path in changed[name].split(":"))
    if old and changed.get("PWD") == old:
        changed["PWD"] = root
    return {**changed, "LAMBDA_TASK_ROOT": root, "_HANDLER": handler}


def adopt(root: str, handler: str) -> None:
    """Become the application's process in place."""
    old, old_handler = os.environ.get("LAMBDA_TASK_ROOT", ""), os.environ.get("_HANDLER", "")
    wanted = native(dict(os.environ), root, handler)
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in wanted.items() if os.environ.get(name) != value})
    if old:
        sys.path[:] = [_moved(path, old, root) for path in sys.path]
        sys.path_importer_cache.pop(old, None)
    sys.argv[:] = [handler if word == old_handler else word for word in sys.argv]
    os.chdir(root)
    _read_path_files(root)


def forget(before: set[str]) -> None:
    """Drop every module that came with the bootstrap; the application's imports find a clean table."""
    for name in sys.modules.keys() - before:
        del sys.modules[name]


def _moved(path: str, old: str, new: str) -> str:
    return new + path[len(old) :] if path == old or path.startswith(f"{old}/") else path


def _read_path_files(root: str) -> None:
    """Honour `.pth` files as the managed runtime does, whose main module adds the task root as a site directory."""
    import site  # noqa: PLC0415 - always loaded already, except under -S, where `.pth` files mean nothing

    main = sys.modules.get("__main__")
    if hasattr(main, "add_default_site_directories"):
        site.addsitedir(root)
