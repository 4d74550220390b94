"""From the pointer to the application's own function, in the process the runtime started.

The runtime imports `bootstrap` and asks for its `handler`. At that moment no import is running, so this can load the
release and remove every trace of itself from `sys.modules`. Then the runtime's own code finds the application's
function: results, errors and stack traces are the runtime's own.
"""

import os
import time
from collections.abc import Callable
from typing import Any, NoReturn

from .. import report, tree
from ..failures import LoadError, describe
from ..pointer import VARIABLE, Pointer, PointerError
from . import access_profile, command, environment, runtime_client
from .handover import FirstInvocation
from .progress import LoadProgress

ON_DEMAND = "on-demand"
LATE = (
    "a layer asked for the application within a call, too late for its libraries in the library path to be found; "
    "name the layer's function in dropshift.toml as handler, and the application's in the layer's own variable"
)


def begin(before: set[str]) -> "Outcome":
    """Load the release the environment points at; raises the runtime's own exception when that fails.

    Modules that are not in `before` are the bootstrap's and are forgotten.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return Outcome(_no_release)
    try:
        return ColdStart(Pointer.parse(text)).begin(before)
    except PointerError as error:
        raise runtime_client.fault("Pointer", str(error)) from None
    except LoadError as error:
        raise runtime_client.fault(error.kind, str(error)) from None
    except OSError as error:
        raise runtime_client.fault("Loader", f"cannot begin to load: {error}; is /tmp full?") from None


def _no_release(_event: object, _context: object) -> NoReturn:
    where = os.environ.get("DROPSHIFT_RELEASES") or "s3://<releases bucket>/<application>/"
    raise runtime_client.fault("NoRelease", f"no release yet: drop an archive at {where}<release>.zip")


class Outcome:
    """The start of the application, driven by the entry module."""

    handler = ""

    def __init__(self, function: Callable[[Any, Any], Any] = _no_release) -> None:
        self.find: Callable[[str], Any] = lambda _handler: function
        """Finds the function the runtime is to call; called from the entry module, to keep stack traces clean."""

    def failed(self, _error: BaseException) -> Any:  # noqa: ANN401 - whatever an application calls its handler
        """Return a function to call instead, or None when the error is the application's own."""
        return None

    def ready(self, function: Any) -> Any:  # noqa: ANN401 - as above
        """Return the function when the first call may come."""
        return function


class ColdStart(Outcome):
    """The cold start of a release.

    On demand, the application begins when every file exists by name and size. A process that opens a file that has not
    arrived waits in the kernel. All other environments start before a call waits for them, and may be frozen or forked
    then: they wait for every file.

    Under SnapStart all of this happens before the snapshot, and needs no hooks. The loading processes have ended, with
    their connections and credentials; no randomness is kept for later; the tree is part of the snapshot. The stand-in
    for the runtime's client has no part in the restore: the runtime asks for that itself.
    """

    def __init__(self, pointer: Pointer) -> None:
        """Begin to load, unless the tree is complete."""
        super().__init__()
        self._began = time.monotonic()
        self._seconds: dict[str, float] = {}
        self._pointer = pointer
        self._tree = tree.of(pointer.sha256)
        self._late = runtime_client.in_invocation()
        self._on_demand = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", ON_DEMAND) == ON_DEMAND and not self._late
        self._process = environment.Process.now()
        self._first = FirstInvocation(runtime_client.client_home(), self._profile, self._report_failure)
        limited = self._on_demand and pointer.kind != "executable"
        early = self._first.wait_for_limit() if limited else None
        again = environment.AGAIN in os.environ
        self._progress = LoadProgress(pointer, self._tree, early, demand=self._on_demand, again=again)
        self.handler = pointer.handler or ""
        self.find = runtime_client.finder()

    def begin(self, before: set[str]) -> Outcome:
        """Return when the application's import may begin; raises LoadError."""
        try:
            self._wait()
        except LoadError as error:
            return Outcome(self._refuse(error))
        return self._become(before)

    def failed(self, error: BaseException) -> Any:  # noqa: ANN401 - as above
        """Decide what an import's failure means.

        If an invocation is waiting, it is answered with the error. Otherwise the error is the runtime's to report.
        An exit stays an exit, with its status: Lambda answers for a process that is gone.
        """
        if self._first.early and isinstance(error, Exception):
            runtime_client.warn_of_failed_init()
            return self._answer(runtime_client.reported(error))
        if isinstance(error, AttributeError):
            raise runtime_client.reported(error) from None
        return None

    def ready(self, function: Any) -> Any:  # noqa: ANN401 - as above
        """Return the function to call, once no process waits for a file."""
        self._note("import")
        try:
            self._progress.ready(self._seconds)
        except LoadError as error:
            return self._refuse(error)
        self._first.watch(self._progress)
        return function

    def _wait(self) -> None:
        if self._on_demand:
            self._progress.wait_for_import()
        if not self._on_demand or self._must_start_again():
            self._progress.wait_for_all()
        self._note("begin")

    def _become(self, before: set[str]) -> Outcome:
        root = self._tree.directory
        if self._pointer.kind == "executable":
            self._become_executable()
        if self._pointer.kind == "command":
            run = command.handler(self._pointer.command, self._process.environment_at(root))
            return Outcome(self.ready(run))
        if self._must_start_again():
            if self._late:
                raise LoadError("Late", f"{describe(self._pointer)}: {LATE}")
            self._process.start_again(self._first.take_along(), root)
        environment.adopt(root, self.handler)
        environment.forget(before)
        return self

    def _must_start_again(self) -> bool:
        """Return whether the release has files that a process looks for at its start, and this one looked too early."""
        return self._process.must_start_again(self._tree.directory, self._tree.matters_at_start)

    def _become_executable(self) -> NoReturn:
        """Replace this process by the release's program, which inherits the lock that marks the tree as in use."""
        self._progress.ready(self._seconds)
        os.set_inheritable(self._progress.lock, True)
        try:
            self._process.become(self._pointer.command, self._tree.directory)
        except OSError as error:
            program = self._pointer.command[0]
            remedy = "see command in dropshift.toml, the file's executable bit and its architecture"
            raise LoadError(
                "Executable", f"{describe(self._pointer)}: cannot run {program}: {error}; {remedy}"
            ) from None

    def _refuse(self, error: LoadError) -> Callable[[Any, Any], NoReturn]:
        """Return a function that answers the waiting invocation; raises the runtime's exception when there is none."""
        self._report_failure(error)
        fault = runtime_client.fault(error.kind, str(error))
        if self._first.early:
            return self._answer(fault)
        raise fault from None

    def _answer(self, error: BaseException) -> Callable[[Any, Any], NoReturn]:
        """Return a function that answers the waiting invocation with the error; the process ends after it."""
        self._first.end_after_answer()

        def answer(_event: object, _context: object) -> NoReturn:
            raise error

        return answer

    def _profile(self) -> bytes:
        return access_profile.recorded(self._tree)

    def _report_failure(self, error: LoadError) -> None:
        report.say(report.failed(self._pointer, error))

    def _note(self, phase: str) -> None:
        self._seconds[phase] = time.monotonic() - self._began
