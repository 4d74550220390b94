"""Pure: the configuration of an application's function, read before a release to it."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import ValidationError

from deployer.model.manifest import Resources
from deployer.model.value import Value

SIZES = "DROPSHIFT_SIZES"
"""Environment variable in which the deployer keeps the sizes that the stack gave the function."""

LAUNCH_VARIABLES = ("NODE_OPTIONS", "AWS_LAMBDA_EXEC_WRAPPER")
"""Environment variables by which Lambda starts something before the runtime's own code."""

Architecture = Literal["x86_64", "arm64"]
Difference = Literal["execution role", "dead letter queue"]
"""The settings that two versions must have alike to share an alias's traffic.

Source: AWS Lambda developer guide, Lambda alias routing configuration.
"""


class OwnerLimits(Value):
    """The most that a manifest may ask for in a stack; its owner sets them as parameters."""

    memory: int
    """MB; MaxMemory."""
    timeout: int
    """Seconds; MaxTimeout."""
    provisioned_concurrency: int
    """Environments; MaxProvisionedConcurrency. They cost money without calls."""


class FunctionConfiguration(Value):
    """The configuration of an application's function and of its alias, as Lambda has it.

    Source: AWS Lambda API reference, FunctionConfiguration, ListProvisionedConcurrencyConfigs.
    """

    name: str
    runtime: str
    """The runtime's identifier, for instance `python3.13` or `nodejs24.x`."""
    architecture: Architecture = "x86_64"
    memory: int = 128
    """MB."""
    timeout: int = 3
    """Seconds."""
    ephemeral_storage: int = 512
    """MB of /tmp."""
    snap_start: bool = False
    layers: tuple[str, ...] = ()
    """ARNs of its layers, whose files lie below /opt."""
    module_path: tuple[str, ...] = ()
    """Directories of its PYTHONPATH or NODE_PATH."""
    launch_variables: Mapping[str, str] = {}
    """Its variables of LAUNCH_VARIABLES."""
    environment_error: str = ""
    """AWS's reason why the function's variables cannot be read; empty if they can."""
    alias_has_concurrency: bool = False
    """The alias has provisioned concurrency of its own, with which Lambda moves traffic by itself."""
    differs: tuple[Difference, ...] = ()
    """The settings in which a new version would differ from the version that the alias serves."""
    owner_limits: OwnerLimits | None = None
    """None where the stack is unknown, as on an operator's own machine."""


class FunctionSizes(Value):
    """The settings of its function that a release may change."""

    memory: int
    """MB."""
    timeout: int
    """Seconds."""
    ephemeral_storage: int
    """MB of /tmp."""

    def for_release(self, asked: Resources, storage: int) -> Self:
        """Return these sizes with those that a manifest asks for, and space for `storage` MB of unpacked release."""
        changed = {
            "memory": asked.memory or self.memory,
            "timeout": asked.timeout or self.timeout,
            "ephemeral_storage": asked.ephemeral_storage or max(self.ephemeral_storage, storage),
        }
        return self.model_copy(update=changed)


class SavedSizes(Value):
    """The stack's sizes and those of the last release. A release that asks for none gets the stack's."""

    stack: FunctionSizes
    release: FunctionSizes

    @classmethod
    def parse(cls, environment: Mapping[str, str], now: FunctionSizes) -> Self:
        """Read the saved sizes. Sizes of the function that are not the last release's were set by the stack."""
        try:
            found = cls.model_validate_json(environment.get(SIZES, ""))
        except ValidationError:
            return cls(stack=now, release=now)
        return found if found.release == now else cls(stack=now, release=now)
