"""Lambda: the durable executions of the rollout, one for each release and named by its id."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from deployer.model.drop import Drop
from deployer.model.status import Ending, Status
from deployer.model.value import Value
from deployer.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

DIED = ("FAILED", "TIMED_OUT", "STOPPED")
"""The states of an execution that ended without a result. Source: Lambda API reference, GetDurableExecution, Status."""


class _Result(BaseModel):
    """The rollout's result."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    status: Status
    reason: str


class Execution(Value):
    """A durable execution as the engine describes it."""

    name: str
    status: str
    payload: str
    result: str

    @property
    def died(self) -> bool:
        """Return whether it ended without a result."""
        return self.status in DIED

    @property
    def drop(self) -> Drop | None:
        """The drop that it rolls out; None for an execution that this deployer did not start."""
        try:
            drop = Drop.model_validate_json(self.payload)
        except ValidationError:
            return None
        return drop if drop.release_id == self.name else None

    @property
    def ending(self) -> Ending | None:
        """Return the ending in the rollout's result; None without one."""
        try:
            found = _Result.model_validate_json(self.result)
        except ValidationError:
            return None
        return Ending(status=found.status, reason=found.reason) if found.status.final else None


class Executions:
    """Starts rollouts and reads their state from Lambda."""

    def __init__(self, client: "LambdaClient", settings: Settings) -> None:
        self._client = client
        self._function = settings.rollout_function

    def start(self, drop: Drop) -> str | None:
        """Start the rollout of a drop; return its ARN, or None when its name exists with another payload.

        The same name with the same payload returns the existing execution.
        Source: AWS Lambda developer guide, durable functions, idempotency.
        """
        try:
            started = self._client.invoke(
                FunctionName=self._function,
                InvocationType="Event",
                DurableExecutionName=drop.release_id,
                Payload=drop.model_dump_json().encode(),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "DurableExecutionAlreadyStartedException":
                raise
            return None
        return started["DurableExecutionArn"]

    def find(self, arn: str) -> Execution | None:
        """Return an execution; None for an unknown ARN."""
        try:
            found = self._client.get_durable_execution(DurableExecutionArn=arn)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return Execution(
            name=found["DurableExecutionName"],
            status=found["Status"],
            payload=found.get("InputPayload", ""),
            result=found.get("Result", ""),
        )
