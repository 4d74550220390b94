"""Pure: a function's unpublished configuration, and its published versions."""

import re

from bootstrap.pointer import VARIABLE, Pointer, PointerError
from deployer.model.drop import VersionDescription
from deployer.model.function import Architecture, FunctionSizes
from deployer.model.value import Value

_DIGEST = re.compile(r"/([0-9a-f]{64})-[^/]+\Z")
"""The archive's digest in a bundle's key, see rollout/steps/bundling.py."""


class LatestConfiguration(Value):
    """The unpublished configuration, `$LATEST`: what the next published version will be."""

    revision: str
    code_sha256: str
    environment: dict[str, str]
    environment_error: str
    """Why the environment cannot be read; empty if it can. An environment that cannot be read must not be written."""
    updating: bool
    """An update is still being applied."""
    sizes: FunctionSizes

    @property
    def pointer(self) -> str | None:
        """The bundle that it points at, encoded."""
        return self.environment.get(VARIABLE)

    @property
    def release_id(self) -> str | None:
        """The release that it was staged for; None when it was for none."""
        try:
            return Pointer.parse(self.pointer).id if self.pointer else None
        except PointerError:
            return None


class PublishedVersion(Value):
    """One published version of a function."""

    version: str
    description: VersionDescription | None
    """None for a version that the deployer did not publish."""
    pointer: str | None = None
    """The bundle that it points at, encoded."""
    environment_error: str = ""
    """Why its environment, which has the pointer, cannot be read; empty if it can."""
    memory: int = 128
    """MB."""
    architecture: Architecture = "x86_64"

    @property
    def bundle(self) -> Pointer | None:
        """The bundle that it points at; None when it has no pointer that can be read."""
        try:
            return Pointer.parse(self.pointer) if self.pointer else None
        except PointerError:
            return None

    @property
    def digest(self) -> str:
        """The archive's SHA-256, which names the bundle; empty without one."""
        found = _DIGEST.search(self.bundle.key) if self.bundle else None
        return found[1] if found else ""


class Provisioned(Value):
    """The provisioned concurrency of a version, or of an alias."""

    qualifier: str
    requested: int
    """Environments that were asked for, and are paid."""
    status: str
    """READY, IN_PROGRESS or FAILED."""


class Readiness(Value):
    """The state of a version, or of its provisioned concurrency."""

    state: str
    """Pending, Active or another of Lambda's states; of provisioned concurrency READY, IN_PROGRESS or FAILED."""
    reason: str = ""
