"""Pure: what the controller orders of the rollout. One drop always makes the same order, to the byte."""

from deployer.model.drop import Drop
from deployer.model.release import Release
from deployer.model.value import Value


class RolloutInput(Value):
    """The payload of a durable execution: canonical, without times or request ids.

    The same execution name with the same payload returns the execution that is there, so an event that comes twice
    starts one rollout. Source: AWS Lambda developer guide, durable functions, idempotency.
    """

    drop: Drop
    force: bool = False

    def encode(self) -> str:
        """Write it as JSON, always the same for one drop."""
        return self.model_dump_json()

    def release(self) -> Release:
        """Begin the release that is ordered."""
        return Release(drop=self.drop, force=self.force)
