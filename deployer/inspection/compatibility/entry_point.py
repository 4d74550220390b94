"""Pure: the start of a release, resolved from the manifest, the runtime and the archive."""

from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.runtime import runtimes
from deployer.model.inspection import Start
from deployer.model.manifest import NAME, Kind

_USUAL_HANDLER: dict[Kind, str] = {"python": "lambda_function.lambda_handler", "nodejs": "index.handler"}


def check_runtime(candidate: Candidate) -> bool:
    """Return whether the bootstrap runs in the function's runtime; all other checks depend on it."""
    machine = candidate.machine
    if machine.supported:
        return True
    remedy = f"did you mean {machine.near}?" if machine.near else "change the function's Runtime in the stack"
    candidate.refuse("the function's Runtime", machine.why_not, runtimes(), remedy)
    return False


def resolve(candidate: Candidate) -> Start:
    """Return the start that the manifest names, and the default for omitted fields."""
    application = candidate.manifest.application
    kind = application.kind or _kind(candidate)
    if kind in ("python", "nodejs"):
        _check_kind(candidate, kind)
        return Start(kind=kind, handler=application.handler or _USUAL_HANDLER[kind])
    return Start(kind=kind, command=application.command)


def _kind(candidate: Candidate) -> Kind:
    if candidate.manifest.application.command:
        return "command"
    return "nodejs" if candidate.machine.node else "python"


def _check_kind(candidate: Candidate, kind: Kind) -> None:
    if not (candidate.machine.python if kind == "python" else candidate.machine.node):
        candidate.refuse(
            f"{NAME}: application.kind",
            f"{kind}, but the function's runtime is {candidate.machine.runtime}",
            f"a {kind}… runtime for kind {kind}",
            "change the kind, or the function's Runtime in the stack",
        )
