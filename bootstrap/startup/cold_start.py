"""From the pointer to the application's own function, in the process the runtime started.

The runtime imports `bootstrap` and asks for its `handler`. By then it is out of the import machinery, so this can load
the release, take every trace of itself out of `sys.modules`, and let the runtime's own code find the application's
function: results, errors and stack traces are the runtime's own.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from .. import tree
from ..failures import LoadError, what
from ..pointer import VARIABLE, Pointer, PointerError
from . import access_profile, command, environment, report, runtime_client
from .handover import First
from .import_gate import Gate
from .progress import Loading

MANAGED = "lambda-managed-instances"
ON_DEMAND = "on-demand"
LATE = (
    "a layer asked for the application within a call, too late for its libraries in the library path to be found; "
    "name the layer's function in dropshift.toml as handler, and the application's in the layer's own variable"
)


def begin(before: set[str]) -> "Start":
    """Load the release the environment points at; raises the runtime's own exception when that fails.

    Modules that are not in `before` are the bootstrap's and are forgotten.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return Start(_no_release)
    try:
        return Release(Pointer.parse(text)).begin(before)
    except PointerError as error:
        raise runtime_client.fault("Pointer", str(error)) from None
    except LoadError as error:
        raise runtime_client.fault(error.kind, str(error)) from None
    except OSError as error:
        raise runtime_client.fault("Loader", f"cannot begin to load: {error}; is /tmp full?") from None


def _no_release(_event: object, _context: object) -> NoReturn:
    where = os.environ.get("DROPSHIFT_RELEASES") or "s3://<releases bucket>/<application>/"
    raise runtime_client.fault("NoRelease", f"no release yet: drop an archive at {where}<release>.zip")


class Start:
    """What the entry module drives; by itself, the start of a function of ours."""

    handler = ""

    def __init__(self, function: Callable[[Any, Any], Any] = _no_release) -> None:
        self.find: Callable[[str], Any] = lambda _handler: function
        """Finds the function the runtime is to call; called from the entry module, to keep stack traces clean."""

    def failed(self, _error: BaseException) -> Any:  # noqa: ANN401 - whatever an application calls its handler
        """Give a function to call instead, or None when the error is the application's own."""
        return None

    def ready(self, function: Any) -> Any:  # noqa: ANN401 - as above
        """Give the function when everything is in place."""
        return function


class Release(Start):
    """The cold start of a release.

    Under SnapStart all of it happens before the snapshot, and it needs no hooks of its own: the loading processes have
    ended by then, with their connections and credentials, no randomness is kept for later, and the tree is part of the
    snapshot. What stands in for the runtime's client knows of no restore; the runtime asks for that by itself.
    """

    def __init__(self, pointer: Pointer) -> None:
        """Begin to load, unless the tree is complete."""
        super().__init__()
        self._began = time.monotonic()
        self._seconds: dict[str, float] = {}
        self._pointer = pointer
        self._tree = tree.of(pointer.sha256)
        self._late = runtime_client.in_invocation()
        self._init = MANAGED if self._late else os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", ON_DEMAND)
        self._process = environment.Process.now()
        self._first = First(runtime_client.client_home(), lambda: access_profile.touched_and_not(self._tree))
        self._loading = Loading(pointer, self._tree, self._tick)
        self._gate: Gate | None = None
        self._overlaps = False
        self.handler = pointer.handler or ""
        self.find = runtime_client.finder()

    def begin(self, before: set[str]) -> Start:
        """Return when the application's import may begin; raises LoadError."""
        try:
            self._wait()
        except LoadError as error:
            return Start(self._refuse(error))
        return self._become(before)

    def failed(self, error: BaseException) -> Any:  # noqa: ANN401 - as above
        """Decide what an import's failure means.

        If files were still arriving, a missing one may be the cause: start again cleanly, with all of them in place.
        If an invocation is waiting, it is answered with the error. Otherwise the error is the runtime's to report.
        """
        if self._gate is not None and self._overlaps:
            return self._arrive(self._gate) or self._process.start_again(self._first.take_along())
        if self._gate is not None:
            self._gate.close()
        if self._first.early:
            return self._answer(runtime_client.reported(error))
        if isinstance(error, AttributeError):
            raise runtime_client.reported(error) from None
        return None

    def ready(self, function: Any) -> Any:  # noqa: ANN401 - as above
        """Wait for the last file, report, and leave the stage to the application."""
        self._note("import")
        if self._gate is not None and (refusal := self._arrive(self._gate)):
            return refusal
        self._report()
        self._first.watch()
        return function

    def _wait(self) -> None:
        if self._pointer.kind == "python" and self._init != MANAGED:
            self._loading.wait_to_begin()
            if self._loading.begin == self._loading.parts or self._must_start_again():
                self._loading.wait_for_all()
            self._note("begin")
        else:
            self._loading.wait_for_all()

    def _become(self, before: set[str]) -> Start:
        root = self._tree.directory
        if self._pointer.kind == "executable":
            self._report()
            self._become_executable()
        if self._pointer.kind == "command":
            self._report()
            return Start(command.handler(self._pointer.command, self._process.environment_at(root)))
        if self._loading.done and self._must_start_again():
            if self._late:
                raise LoadError("Late", f"{what(self._pointer)}: {LATE}")
            self._process.start_again(self._first.take_along(), root)
        self._overlaps = not self._loading.done
        if self._overlaps or self._init == ON_DEMAND:  # then for the clock's sake: see First.tick
            self._gate = Gate(self._loading)
            self._gate.open()
        environment.adopt(root, self.handler)
        environment.forget(before)
        return self

    def _must_start_again(self) -> bool:
        """Return whether the start of this process could not find what the release has for it."""
        return self._process.must_start_again(self._tree.directory, self._tree.matters_at_start)

    def _become_executable(self) -> NoReturn:
        """Give the process away, and the lock that says that the tree is in use with it."""
        os.set_inheritable(self._loading.lock, True)
        try:
            self._process.become(self._pointer.command, self._tree.directory)
        except OSError as error:
            program = self._pointer.command[0]
            remedy = "see command in dropshift.toml, the file's executable bit and its architecture"
            raise LoadError("Executable", f"{what(self._pointer)}: cannot run {program}: {error}; {remedy}") from None

    def _arrive(self, gate: Gate) -> Callable[[Any, Any], NoReturn] | None:
        """Wait for every file, and only then stop watching; when one does not come, refuse as `_refuse` does."""
        try:
            self._loading.wait_for_all()
        except LoadError as error:
            return self._refuse(error)
        finally:
            gate.close()
        return None

    def _refuse(self, error: LoadError) -> Callable[[Any, Any], NoReturn]:
        """Give a function that answers the waiting invocation; raises the runtime's exception when there is none."""
        _say(report.failed(self._pointer, error))
        fault = runtime_client.fault(error.kind, str(error))
        if self._first.early:
            return self._answer(fault)
        raise fault from None

    def _answer(self, error: BaseException) -> Callable[[Any, Any], NoReturn]:
        """Give a function that answers the waiting invocation with the error; the process ends after it."""
        self._first.end_after_answer()

        def answer(_event: object, _context: object) -> NoReturn:
            raise error

        return answer

    def _tick(self) -> None:
        if self._init == ON_DEMAND and self._pointer.kind != "executable":
            self._first.tick()

    def _note(self, phase: str) -> None:
        self._seconds[phase] = time.monotonic() - self._began

    def _report(self) -> None:
        if self._loading.work:
            self._seconds["files"] = self._loading.seconds
            _say(report.loaded(self._pointer, self._seconds, self._loading.work, self._loading.parts))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
