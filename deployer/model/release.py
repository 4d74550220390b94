"""Pure: a release on its way, from the drop to its end."""

from datetime import datetime, timedelta

from pydantic import Field

from deployer.model.drop import Drop, VersionDescription
from deployer.model.function import FunctionConfiguration
from deployer.model.health import Verdict
from deployer.model.inspection import Inspection
from deployer.model.manifest import Manifest
from deployer.model.problem import Problem
from deployer.model.stages import Stage
from deployer.model.status import Ending, Status
from deployer.model.value import Value


class Bundle(Value):
    """Location of the bundle, with the digest of its index."""

    key: str
    version_id: str
    size: int
    offset: int
    """Offset of the compressed index in the bundle, in bytes."""
    index_size: int
    index_sha256: str
    unpacked: int
    """Bytes that the files take on disk."""
    tail_sha256: str = ""
    """Of index and recipe, from `offset` to the end; empty for a bundle that nothing can be copied from."""
    weak: int = 0
    """Frames that could be compressed more strongly."""


class Release(Value):
    """Everything the rollout knows of a release; each step returns it with what the step added."""

    drop: Drop
    ordered_at: datetime | None = None
    """Time at which the controller began the release's record."""
    dropped: datetime | None = None
    """The object's LastModified; of a redeployed one, the time of the command."""
    waiting: bool = False
    """True if it asked for its turn, and another release of the application had it."""
    has_turn: bool = False
    """True if it may be prepared: no other release of the application is."""
    inspection: Inspection | None = None
    function: FunctionConfiguration | None = None
    bundle: Bundle | None = None
    staged: bool = False
    """True if `$LATEST` was pointed at the bundle once."""
    version: str | None = None
    active: bool = False
    """True if the version can be invoked."""
    concurrency_ready: bool = False
    """True if the version has the provisioned concurrency that was asked for."""
    alarms_before: frozenset[str] = frozenset()
    """Alarms that were in ALARM before this release had any traffic."""
    stages: tuple[Stage, ...] = ()
    """The stages before all traffic; none for an application's first release."""
    weight: int = 0
    """Percent of the traffic that the alias gave the version when it was last read."""
    shifted_at: datetime | None = None
    """Time at which the present stage began."""
    verdict: Verdict | None = None
    """Verdict of the last check."""
    paused: bool = False
    laid_out_anew: bool = False
    """True if the smoke test changed the access profile: the next bundle has another order."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Duration of each step, all its repetitions together; waits between them are not counted."""
    ending: Ending | None = None

    def ended(self, status: Status, reason: str, problems: tuple[Problem, ...] = ()) -> "Release":
        """Return the release with its end."""
        return self.model_copy(update={"ending": Ending(status=status, reason=reason, problems=problems)})

    def updated(self, **found: object) -> "Release":
        """Return the release with a step's findings, validated."""
        return Release.model_validate({**dict(self), **found})

    def after(self, step: str, taken: timedelta) -> "Release":
        """Return the release with the time that a step, or a repetition of it, has taken."""
        seconds = round(self.seconds.get(step, 0.0) + taken.total_seconds(), 3)
        return self.model_copy(update={"seconds": {**self.seconds, step: seconds}})

    @property
    def id(self) -> str:
        """The release id."""
        return self.drop.release_id

    @property
    def facts(self) -> dict[str, object]:
        """Return the findings of the steps so far that the release's record keeps."""
        found: dict[str, object] = {
            "version": self.version,
            "stages": tuple(stage.weight for stage in self.stages),
            "bakes": tuple(stage.bake for stage in self.stages),
            "alarms_before": tuple(sorted(self.alarms_before)),
            "seconds": self.seconds,
        }
        if self.inspection:
            found["archive_sha256"] = self.inspection.sha256
            found["warnings"] = self.inspection.warnings
            found["provisioned_concurrency"] = self.manifest.resources.provisioned_concurrency or 0
        if self.shifted_at:
            found |= {"status": Status.SHIFTING, "staged_at": self.shifted_at, "weight": self.weight}
        return found

    @property
    def manifest(self) -> Manifest:
        """The manifest of the archive; the defaults until it is inspected."""
        return self.inspection.manifest if self.inspection else Manifest()

    @property
    def description(self) -> VersionDescription:
        """The description that the published version gets."""
        return VersionDescription.of(self.drop, required(self.dropped))


def required[T](value: T | None) -> T:
    """Return an earlier step's finding; raises when the steps ran out of order, which is a defect."""
    if value is None:
        raise RuntimeError("a step ran before the step it builds on")
    return value
