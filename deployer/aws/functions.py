"""Lambda: functions, their published versions, and the alias that splits the traffic."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from bootstrap.pointer import VARIABLE, Pointer, PointerError
from deployer.aws.errors import refusals_of_input
from deployer.aws.profile_request import CLIENT_CONTEXT, unwrap
from deployer.decisions.smoke import InvocationResult
from deployer.model.alias import Alias, AliasState
from deployer.model.drop import VersionDescription
from deployer.model.function import LAUNCH_VARIABLES, Architecture, Difference, FunctionConfiguration, FunctionSizes
from deployer.model.value import Value

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationTypeDef

_DIGEST = re.compile(r"/([0-9a-f]{64})-[^/]+\Z")
"""The archive's digest in a bundle's key, see steps/preparing.py."""
_LOG_TAIL = 4_096
"""Bytes. Source: Lambda API reference, Invoke, LogResult."""


class LatestConfiguration(Value):
    """The unpublished configuration, `$LATEST`: what the next published version will be."""

    revision: str
    code_sha256: str
    environment: dict[str, str]
    environment_error: str
    """Why the environment cannot be read; empty if it can. An environment that cannot be read must not be written."""
    updating: bool
    """Return whether an update is still being applied."""
    modified: datetime
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
    """Return whether a version can be invoked yet."""

    state: str
    """Pending, Active or another of Lambda's states; of provisioned concurrency READY, IN_PROGRESS or FAILED."""
    reason: str = ""


class Functions:
    """Lambda's control plane, and invocations, of the applications' functions."""

    def __init__(
        self, client: "LambdaClient", alias_client: "LambdaClient", invoker: "LambdaClient", alias: str
    ) -> None:
        self._client = client
        self._alias_client = alias_client  # each client has a retry budget, and polling must not spend a rollback's
        self._invoker = invoker
        self._alias = alias

    def configuration(self, function: str) -> FunctionConfiguration:
        """Read a function's configuration, and its alias's."""
        found, live = self._configuration(function), self._configuration(function, self._alias)
        architectures = found.get("Architectures") or ["x86_64"]
        snap_start = found.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
        runtime = found.get("Runtime", "")
        environment = found.get("Environment", {})
        variables = environment.get("Variables", {})
        path = variables.get("NODE_PATH" if runtime.startswith("nodejs") else "PYTHONPATH", "")
        return FunctionConfiguration(
            name=function,
            runtime=runtime,
            architecture=architectures[0],
            memory=found["MemorySize"],
            timeout=found["Timeout"],
            ephemeral_storage=found.get("EphemeralStorage", {}).get("Size", 512),
            snap_start=snap_start,
            layers=tuple(layer["Arn"] for layer in found.get("Layers", ())),
            module_path=tuple(filter(None, path.split(":"))),
            launch_variables={name: variables[name] for name in LAUNCH_VARIABLES if name in variables},
            environment_error=_environment_error(found),
            alias_has_concurrency=self._alias_has_concurrency(function),
            differs=tuple(_differing(found, live)),
        )

    def _configuration(self, function: str, qualifier: str = "$LATEST") -> "FunctionConfigurationTypeDef":
        """Read a configuration by GetFunction, which has its own limit: 100 calls per second; all others share 15.

        Source: AWS Lambda developer guide, quotas.
        """
        return self._client.get_function(FunctionName=function, Qualifier=qualifier)["Configuration"]

    def _alias_has_concurrency(self, function: str) -> bool:
        return any(one.qualifier == self._alias for one in self.provisioned(function))

    def provisioned(self, function: str) -> list[Provisioned]:
        """Read all provisioned concurrency of a function."""
        pages = self._client.get_paginator("list_provisioned_concurrency_configs").paginate(FunctionName=function)
        return [
            Provisioned(
                qualifier=config["FunctionArn"].rpartition(":")[2],
                requested=config["RequestedProvisionedConcurrentExecutions"],
                status=config.get("Status", "IN_PROGRESS"),
            )
            for page in pages
            for config in page["ProvisionedConcurrencyConfigs"]
        ]

    def exists(self, function: str) -> bool:
        """Return whether there is a function with our alias."""
        try:
            self._configuration(function, self._alias)
        except self._client.exceptions.ResourceNotFoundException:
            return False
        return True

    def alias(self, function: str) -> Alias:
        """Read the alias as it is now."""
        return self._read(self._alias_client.get_alias(FunctionName=function, Name=self._alias))

    def write_alias(self, function: str, believed: Alias, wanted: Alias) -> Alias:
        """Move the alias if its revision is still the given one; return the alias as it is afterwards.

        The caller compares the result with its wish. A 412 is not an error: either another writer moved the alias,
        or our own write took effect and its answer was lost. Reading again shows which.
        """
        if believed.same_as(wanted):
            return believed
        try:
            with refusals_of_input():
                written = self._read(self._update(function, believed, wanted))
            return _settled(written, believed)
        except self._alias_client.exceptions.PreconditionFailedException:
            return self.alias(function)

    def _update(self, function: str, believed: Alias, wanted: Alias) -> Mapping[str, Any]:
        weights = {wanted.canary: wanted.weight / 100} if wanted.canary else {}
        return cast(
            "Mapping[str, Any]",
            self._alias_client.update_alias(
                FunctionName=function,
                Name=believed.name,
                FunctionVersion=wanted.stable,
                RoutingConfig={"AdditionalVersionWeights": weights},
                Description=wanted.recorded.encode() if wanted.recorded else "",
                RevisionId=believed.revision,
            ),
        )

    @staticmethod
    def _read(found: Mapping[str, Any]) -> Alias:
        weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        canary, share = next(iter(weights.items()), (None, 0.0))
        return Alias(
            name=found["Name"],
            stable=found["FunctionVersion"],
            canary=canary,
            weight=round(share * 100),
            revision=found["RevisionId"],
            recorded=AliasState.parse(found.get("Description") or ""),
        )

    def latest(self, function: str) -> LatestConfiguration:
        """Read the unpublished configuration."""
        found = self._configuration(function)
        pending = found.get("State") == "Pending" or found.get("LastUpdateStatus") == "InProgress"
        return LatestConfiguration(
            revision=found["RevisionId"],
            code_sha256=found["CodeSha256"],
            environment=found.get("Environment", {}).get("Variables", {}),
            environment_error=_environment_error(found),
            updating=pending,
            modified=datetime.fromisoformat(found["LastModified"]),
            sizes=FunctionSizes(
                memory=found["MemorySize"],
                timeout=found["Timeout"],
                ephemeral_storage=found.get("EphemeralStorage", {}).get("Size", 512),
            ),
        )

    def configure(self, function: str, believed: LatestConfiguration, wanted: LatestConfiguration) -> None:
        """Write the unpublished configuration if its revision is still the given one; a 412 or 409 changes nothing."""
        if believed.environment_error:
            raise ValueError("an environment that was not read would be lost")
        refusals = self._client.exceptions
        try:
            with refusals_of_input():
                self._client.update_function_configuration(
                    FunctionName=function,
                    Environment={"Variables": wanted.environment},
                    MemorySize=wanted.sizes.memory,
                    Timeout=wanted.sizes.timeout,
                    EphemeralStorage={"Size": wanted.sizes.ephemeral_storage},
                    RevisionId=believed.revision,
                )
        except (refusals.PreconditionFailedException, refusals.ResourceConflictException):
            return

    def publish(self, function: str, believed: LatestConfiguration, description: str) -> str | None:
        """Publish `$LATEST` if its revision is still the given one; None when it is not."""
        refusals = self._client.exceptions
        try:
            found = self._client.publish_version(
                FunctionName=function,
                Description=description,
                CodeSha256=believed.code_sha256,
                RevisionId=believed.revision,
            )
        except (refusals.PreconditionFailedException, refusals.ResourceConflictException):
            return None
        pointer = found.get("Environment", {}).get("Variables", {}).get(VARIABLE)
        return found["Version"] if pointer == believed.pointer and found["Description"] == description else None

    def versions(self, function: str) -> Iterator[PublishedVersion]:
        """Return the published versions, oldest first; Lambda lists them in any order."""
        pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
        listed = [found for page in pages for found in page["Versions"] if found["Version"] != "$LATEST"]
        yield from map(_published, sorted(listed, key=lambda found: int(found["Version"])))

    def published(self, function: str, version: str) -> PublishedVersion | None:
        """Read a published version; None when there is no such version."""
        try:
            found = self._configuration(function, version)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return _published(found)

    def aliased_versions(self, function: str) -> frozenset[str]:
        """Return the versions that any alias of the function names."""
        pages = self._client.get_paginator("list_aliases").paginate(FunctionName=function)
        aliases = [self._read(found) for page in pages for found in page["Aliases"]]
        return frozenset(version for alias in aliases for version in (alias.stable, alias.canary) if version)

    def delete(self, function: str, version: str) -> None:
        """Delete one published version; a missing one is not an error.

        Without the qualifier, this call would delete the whole function.
        """
        if not version.isdecimal():
            raise ValueError(f"{version!r} is not a published version")
        with suppress(self._client.exceptions.ResourceNotFoundException):
            self._client.delete_function(FunctionName=function, Qualifier=version)

    def provision(self, function: str, version: str, wanted: int) -> Readiness:
        """Request provisioned concurrency on a version, once, and return its state: READY, IN_PROGRESS or FAILED."""
        try:
            found = self._client.get_provisioned_concurrency_config(FunctionName=function, Qualifier=version)
            if found["RequestedProvisionedConcurrentExecutions"] == wanted:
                return Readiness(state=found["Status"], reason=found.get("StatusReason", ""))
        except self._client.exceptions.ProvisionedConcurrencyConfigNotFoundException:
            pass  # not requested yet
        with refusals_of_input():
            asked = self._client.put_provisioned_concurrency_config(
                FunctionName=function, Qualifier=version, ProvisionedConcurrentExecutions=wanted
            )
        return Readiness(state=asked["Status"], reason=asked.get("StatusReason", ""))

    def unprovision(self, function: str, version: str) -> None:
        """End a version's provisioned concurrency; a missing version, or one without it, is not an error."""
        gone = self._client.exceptions
        with suppress(gone.ResourceNotFoundException, gone.ProvisionedConcurrencyConfigNotFoundException):
            self._client.delete_provisioned_concurrency_config(FunctionName=function, Qualifier=version)

    def readiness(self, function: str, version: str) -> Readiness:
        """Ask whether a version is Active."""
        found = self._configuration(function, version)
        snap_start = found.get("SnapStart", {})
        optimised = snap_start.get("ApplyOn") != "PublishedVersions" or snap_start.get("OptimizationStatus") == "On"
        state = found.get("State", "Active")
        return Readiness(
            state="Pending" if state == "Active" and not optimised else state, reason=found.get("StateReason", "")
        )

    def invoke(self, function: str, version: str, event: JsonValue) -> InvocationResult:
        """Invoke a version and return its answer with the log's tail; a cold start's has its access profile."""
        answer = self._invoker.invoke(
            FunctionName=function,
            Qualifier=version,
            LogType="Tail",
            ClientContext=CLIENT_CONTEXT,
            Payload=json.dumps(event).encode(),
        )
        body, profile = unwrap(answer["Payload"].read())
        return InvocationResult(
            error="FunctionError" in answer,
            payload=_json(body),
            profile=profile,
            log=base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")[-_LOG_TAIL:],
        )


def _settled(written: Alias, believed: Alias) -> Alias:
    """Return an alias as it will be, without the weight that Lambda itself gives the version before.

    Lambda does that while provisioned concurrency of the alias moves. Source: hashicorp/terraform-provider-aws#48116.
    """
    by_lambda = (written.canary, written.weight) == (believed.stable, 100)
    return written.model_copy(update={"canary": None, "weight": 0}) if by_lambda else written


def _json(body: bytes) -> JsonValue:
    """Return a parsed answer, or its text if it is not JSON, as a streamed one may be."""
    try:
        found: JsonValue = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
    return found


def _published(found: Mapping[str, Any]) -> PublishedVersion:
    variables = found.get("Environment", {}).get("Variables", {})
    return PublishedVersion(
        version=found["Version"],
        description=VersionDescription.parse(found.get("Description") or ""),
        pointer=variables.get(VARIABLE),
        environment_error=_environment_error(found),
        memory=found.get("MemorySize", 128),
        architecture=(found.get("Architectures") or ["x86_64"])[0],
    )


def _environment_error(found: Mapping[str, Any]) -> str:
    """Return why a function's variables cannot be read, in which case Lambda answers without them; empty if they can.

    Source: AWS Lambda API reference, EnvironmentResponse; developer guide, securing environment variables.
    """
    return str(found.get("Environment", {}).get("Error", {}).get("Message", ""))


def _differing(latest: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Difference]:
    """Return the settings in which the next version would differ from the live release; none without a live one."""
    if VersionDescription.parse(live.get("Description") or "") is None:
        return
    if latest.get("Role") != live.get("Role"):
        yield "execution role"
    if (latest.get("DeadLetterConfig") or None) != (live.get("DeadLetterConfig") or None):
        yield "dead letter queue"
