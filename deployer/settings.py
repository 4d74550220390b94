"""The deployer's settings from its environment, parsed once on the first call."""

import os
from collections.abc import Iterator
from functools import cache
from typing import Annotated, ClassVar

from pydantic import Field

from deployer.model.function import OwnerLimits
from deployer.model.value import Value

APPLICATION_NAME = r"^(?!administration$|[0-9]+$)[a-z0-9][a-z0-9-]{0,39}$"
"""Each also names an alias of the controller: Lambda takes no number for one, and one name is taken."""


class Settings(Value):
    """The names that template.yaml gives the controller and the rollout."""

    function_prefix: str
    """An application's function is named by this and the application's name."""
    alias: ClassVar = "live"
    """The alias through which an application is called; its stack makes it."""
    releases_bucket: str
    bundles_bucket: str
    account_id: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    aws_lambda_function_name: str = ""
    """The function that runs, by Lambda's own variable: of the controller, an alias names an application."""
    rollout_function: str = ""
    """Qualified ARN of the durable function; the controller alone has it."""
    max_memory: int = 10_240
    """MB that a manifest may ask for."""
    max_timeout: int = 900
    """Seconds that a manifest may ask for."""
    max_provisioned_concurrency: int = 0
    """Environments that a manifest may ask to be kept ready."""
    keep_releases: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Releases of an application that the schedule keeps, at least; 0 when nothing is pruned by itself."""
    keep_records_days: Annotated[int, Field(ge=0)] = 0
    """Days after its last change that a record is kept at least; 0 for ever."""
    bundle_seconds: Annotated[int, Field(ge=1, le=120)] = 15
    """Seconds for a bundle while its release waits; once that is live, four times as many for a stronger one."""

    signing_key: str = ""
    """ARN of the KMS key (ECC_NIST_P256) that must have signed every drop; empty for none."""
    event_bus: str = "default"
    """The event bus for changes of releases."""

    @property
    def answers_commands(self) -> bool:
        """Return whether this is the controller, for which people wait; it alone starts rollouts."""
        return bool(self.rollout_function)

    @property
    def owner_limits(self) -> OwnerLimits:
        """The most that a manifest may ask for."""
        return OwnerLimits(
            memory=self.max_memory,
            timeout=self.max_timeout,
            provisioned_concurrency=self.max_provisioned_concurrency,
        )

    def function(self, application: str) -> str:
        """Name of an application's function."""
        return self.function_prefix + application

    def watchable_by(self, alarm: str) -> Iterator[str]:
        """Return the applications that an alarm may watch by its name, `<function>-…`, the longest name first."""
        name = alarm.removeprefix(self.function_prefix) if alarm.startswith(self.function_prefix) else ""
        while name := name.rpartition("-")[0]:
            yield name


@cache
def settings() -> Settings:
    """Read the environment; raises pydantic's ValidationError that names every variable to correct."""
    known = {name: os.environ[name.upper()] for name in Settings.model_fields if name.upper() in os.environ}
    return Settings.model_validate(known)
