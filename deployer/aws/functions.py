"""Lambda: functions, their published versions, and the alias that splits the traffic."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from bootstrap.pointer import VARIABLE
from deployer.aws import function_answers as answers
from deployer.aws.errors import refusals_of_input
from deployer.aws.profile_request import CLIENT_CONTEXT, unwrap
from deployer.model.alias import Alias
from deployer.model.function import FunctionConfiguration
from deployer.model.invocation import InvocationResult
from deployer.model.version import LatestConfiguration, Provisioned, PublishedVersion, Readiness

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationTypeDef

_LOG_TAIL = 4_096
"""Bytes. Source: Lambda API reference, Invoke, LogResult."""


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
        has_concurrency = any(one.qualifier == self._alias for one in self.provisioned(function))
        return answers.configuration(function, found, live, has_concurrency=has_concurrency)

    def _configuration(self, function: str, qualifier: str = "$LATEST") -> "FunctionConfigurationTypeDef":
        """Read a configuration by GetFunction, which has its own limit: 100 calls per second; all others share 15.

        Source: AWS Lambda developer guide, quotas.
        """
        return self._client.get_function(FunctionName=function, Qualifier=qualifier)["Configuration"]

    def provisioned(self, function: str) -> list[Provisioned]:
        """Read all provisioned concurrency of a function."""
        pages = self._client.get_paginator("list_provisioned_concurrency_configs").paginate(FunctionName=function)
        return [answers.provisioned(one) for page in pages for one in page["ProvisionedConcurrencyConfigs"]]

    def exists(self, function: str) -> bool:
        """Return whether there is a function with our alias."""
        return self.published(function, self._alias) is not None

    def alias(self, function: str) -> Alias:
        """Read the alias as it is now."""
        return answers.alias(self._alias_client.get_alias(FunctionName=function, Name=self._alias))

    def write_alias(self, function: str, believed: Alias, wanted: Alias) -> Alias:
        """Move the alias if its revision is still the given one; return the alias as it is afterwards.

        The caller compares the result with its wish. A 412 is not an error: either another writer moved the alias,
        or our own write took effect and its answer was lost. Reading again shows which.
        """
        if believed.same_as(wanted):
            return believed
        try:
            with refusals_of_input():
                written = answers.alias(self._update(function, believed, wanted))
            return answers.without_lambdas_weight(written, believed)
        except self._alias_client.exceptions.PreconditionFailedException:
            return self.alias(function)

    def _update(self, function: str, believed: Alias, wanted: Alias) -> Mapping[str, Any]:
        weights = {wanted.canary: wanted.weight / 100} if wanted.canary else {}
        return self._alias_client.update_alias(
            FunctionName=function,
            Name=believed.name,
            FunctionVersion=wanted.stable,
            RoutingConfig={"AdditionalVersionWeights": weights},
            Description=wanted.recorded.encode() if wanted.recorded else "",
            RevisionId=believed.revision,
        )

    def latest(self, function: str) -> LatestConfiguration:
        """Read the unpublished configuration."""
        return answers.latest(self._configuration(function))

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
        yield from map(answers.published, sorted(listed, key=lambda found: int(found["Version"])))

    def published(self, function: str, version: str) -> PublishedVersion | None:
        """Read a published version; None when there is no such version."""
        try:
            found = self._configuration(function, version)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return answers.published(found)

    def alias_names(self, function: str) -> frozenset[str]:
        """Return the names of a function's aliases."""
        pages = self._client.get_paginator("list_aliases").paginate(FunctionName=function)
        return frozenset(found["Name"] for page in pages for found in page["Aliases"])

    def aliased_versions(self, function: str) -> frozenset[str]:
        """Return the versions that any alias of the function names."""
        pages = self._client.get_paginator("list_aliases").paginate(FunctionName=function)
        aliases = [answers.alias(found) for page in pages for found in page["Aliases"]]
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
        with suppress(self._client.exceptions.ProvisionedConcurrencyConfigNotFoundException):
            found = self._client.get_provisioned_concurrency_config(FunctionName=function, Qualifier=version)
            if found["RequestedProvisionedConcurrentExecutions"] == wanted:
                return answers.concurrency(found)
        with refusals_of_input():
            asked = self._client.put_provisioned_concurrency_config(
                FunctionName=function, Qualifier=version, ProvisionedConcurrentExecutions=wanted
            )
        return answers.concurrency(asked)

    def unprovision(self, function: str, version: str) -> None:
        """End a version's provisioned concurrency; a missing version, or one without it, is not an error."""
        gone = self._client.exceptions
        with suppress(gone.ResourceNotFoundException, gone.ProvisionedConcurrencyConfigNotFoundException):
            self._client.delete_provisioned_concurrency_config(FunctionName=function, Qualifier=version)

    def readiness(self, function: str, version: str) -> Readiness:
        """Ask whether a version is Active."""
        return answers.readiness(self._configuration(function, version))

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
            payload=answers.payload(body),
            profile=profile,
            log=base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")[-_LOG_TAIL:],
        )
