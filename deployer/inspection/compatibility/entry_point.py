"""Pure: what a release becomes at cold start, settled from the manifest, the runtime and the archive."""

from deployer.inspection.compatibility.candidate import Candidate
from deployer.model.manifest import NAME, Kind
from deployer.model.start import Start

_USUAL_HANDLER: dict[Kind, str] = {"python": "lambda_function.lambda_handler", "nodejs": "index.handler"}
_USUAL_PROGRAM = "bootstrap"
"""What AWS's own OS-only runtimes run."""


PACKAGED_FOR = (3, 13)
"""The one Python that the bootstrap's bytecode and its native module are made for."""


def resolve(candidate: Candidate) -> Start:
    """Take what the manifest says, and what is usual where it is silent."""
    told = candidate.manifest.application
    kind = told.kind or _kind(candidate)
    _check_python(candidate)
    if kind in ("python", "nodejs"):
        _check_runtime(candidate, kind)
        return Start(kind=kind, handler=told.handler or _USUAL_HANDLER[kind])
    return Start(kind=kind, command=told.command or (f"./{_USUAL_PROGRAM}",))


def _kind(candidate: Candidate) -> Kind:
    if candidate.manifest.application.command:
        return "command"
    if candidate.machine.node:
        return "nodejs"
    return "python" if candidate.machine.python else "executable"


def _check_python(candidate: Candidate) -> None:
    if candidate.machine.python not in {None, PACKAGED_FOR}:
        candidate.refuse(
            "the function's Runtime",
            candidate.machine.runtime,
            "python3.13, for which the bootstrap is packaged",
            "change the function's Runtime in the stack",
        )


def _check_runtime(candidate: Candidate, kind: Kind) -> None:
    if not (candidate.machine.python if kind == "python" else candidate.machine.node):
        candidate.refuse(
            f"{NAME}: application.kind",
            f"{kind}, but the function's runtime is {candidate.machine.runtime}",
            f"a {kind}… runtime for kind {kind}",
            "change the kind, or the function's Runtime in the stack",
        )
