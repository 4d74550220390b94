"""Pure: what a release becomes at cold start, settled from the manifest, the runtime and the archive."""

from deployer.inspection.compatibility.candidate import Trial
from deployer.model.manifest import NAME, Kind
from deployer.model.start import Start

_USUAL_HANDLER: dict[Kind, str] = {"python": "lambda_function.lambda_handler", "nodejs": "index.handler"}
_USUAL_PROGRAM = "bootstrap"
"""What AWS's own OS-only runtimes run."""


PACKAGED_FOR = (3, 13)
"""The one Python that the bootstrap's bytecode and its native module are made for."""


def settle(trial: Trial) -> Start:
    """Take what the manifest says, and what is usual where it is silent."""
    told = trial.manifest.application
    kind = told.kind or _kind(trial)
    _check_python(trial)
    if kind in ("python", "nodejs"):
        _check_runtime(trial, kind)
        return Start(kind=kind, handler=told.handler or _USUAL_HANDLER[kind])
    return Start(kind=kind, command=told.command or (f"./{_USUAL_PROGRAM}",))


def _kind(trial: Trial) -> Kind:
    if trial.manifest.application.command:
        return "command"
    if trial.machine.node:
        return "nodejs"
    return "python" if trial.machine.python else "executable"


def _check_python(trial: Trial) -> None:
    if trial.machine.python not in {None, PACKAGED_FOR}:
        trial.object_to(
            "the function's Runtime",
            trial.machine.runtime,
            "python3.13, for which the bootstrap is packaged",
            "change the function's Runtime in the stack",
        )


def _check_runtime(trial: Trial, kind: Kind) -> None:
    if not (trial.machine.python if kind == "python" else trial.machine.node):
        trial.object_to(
            f"{NAME}: application.kind",
            f"{kind}, but the function's runtime is {trial.machine.runtime}",
            f"a {kind}… runtime for kind {kind}",
            "change the kind, or the function's Runtime in the stack",
        )
