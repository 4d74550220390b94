"""The admission of one drop: its object exists, its archive is accepted, and its signature is valid."""

from pathlib import Path

from deployer import sandbox
from deployer.admission import signature
from deployer.aws.releases_bucket import Head
from deployer.deployer import Deployer
from deployer.inspection import report
from deployer.model.drop import Drop
from deployer.model.function import FunctionConfiguration
from deployer.model.inspection import Inspection
from deployer.model.status import Ending, Status
from deployer.model.value import Value


class Admitted(Value):
    """A drop that may be released, with everything that was read to find out."""

    head: Head
    function: FunctionConfiguration
    inspection: Inspection


def admit(deployer: Deployer, drop: Drop, tree: Path | None = None) -> Admitted | Ending | None:
    """Return the admitted drop, the ending of a refused one, or None when its object does not exist.

    With a directory, the archive is unpacked there in the same reading, as far as there is room.
    """
    aws = deployer.aws
    head = aws.releases.head(drop)
    if head is None:
        return None
    configured = aws.functions.configuration(deployer.settings.function(drop.application))
    function = configured.model_copy(update={"owner_limits": deployer.settings.owner_limits})
    found = sandbox.inspect(aws.releases.archive(drop, head.size), sandbox.Limits(), function, tree)
    if isinstance(found, sandbox.Refusal):
        return rejected(found)
    if problem := signature.objection(aws, deployer.settings.signing_key, drop, head, found.sha256):
        return Ending(status=Status.REJECTED, reason=str(problem), problems=(problem,))
    return Admitted(head=head, function=function, inspection=found)


def rejected(refusal: sandbox.Refusal) -> Ending:
    """Return the ending of a release whose archive is refused."""
    return Ending(status=Status.REJECTED, reason=report.line(refusal.problems), problems=refusal.problems)
