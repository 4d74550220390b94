"""Lambda: functions, their published versions, and the alias that shares the traffic among them."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError
from pydantic import JsonValue

from bootstrap.pointer import VARIABLE
from deployer.alias import Alias, Note
from deployer.drop import Imprint
from deployer.function import FunctionFacts
from deployer.smoke import Answer
from deployer.values import Value

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_LOG_TAIL = 4_096
"""Bytes. Source: Lambda API reference, Invoke, LogResult."""


class Latest(Value):
    """The unpublished configuration, `$LATEST`: what the next published version will be."""

    revision: str
    code_sha256: str
    environment: dict[str, str]
    busy: bool
    """Whether an update is still being applied."""
    memory: int
    timeout: int
    ephemeral_storage: int

    @property
    def pointer(self) -> str | None:
        """The bundle that it points at, encoded."""
        return self.environment.get(VARIABLE)


class Published(Value):
    """One published version of a function."""

    version: str
    imprint: Imprint | None
    """None for a version that the deployer did not publish."""


class Readiness(Value):
    """Whether a version can be invoked yet."""

    state: str
    """Pending, Active, Inactive or Failed."""
    reason: str = ""


class Functions:
    """Lambda's control plane, and invocations, of the applications' functions."""

    def __init__(self, client: "LambdaClient", invoker: "LambdaClient", alias: str) -> None:
        self._client = client
        self._invoker = invoker
        self._alias = alias

    def facts(self, function: str) -> FunctionFacts:
        """Read what a function is configured to be."""
        found = self._client.get_function_configuration(FunctionName=function)
        architectures = found.get("Architectures") or ["x86_64"]
        snap_start = found.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
        return FunctionFacts(
            name=function,
            runtime=found.get("Runtime", ""),
            architecture=architectures[0],
            memory=found["MemorySize"],
            timeout=found["Timeout"],
            ephemeral_storage=found.get("EphemeralStorage", {}).get("Size", 512),
            snap_start=snap_start,
        )

    def alias(self, function: str) -> Alias:
        """Read the alias as it is now."""
        return self._read(self._client.get_alias(FunctionName=function, Name=self._alias))

    def move(self, function: str, believed: Alias, wanted: Alias) -> Alias:
        """Move the alias if it still stands as believed; return it as it stands afterwards.

        The caller compares the answer with what it wanted. A 412 is no error: either somebody else moved the alias,
        or our own write took effect and its answer was lost; reading again tells which.
        """
        if believed.same_as(wanted):
            return believed
        try:
            return self._read(self._update(function, believed, wanted))
        except self._client.exceptions.PreconditionFailedException:
            return self.alias(function)

    def _update(self, function: str, believed: Alias, wanted: Alias) -> Mapping[str, Any]:
        weights = {wanted.canary: wanted.weight / 100} if wanted.canary else {}
        return cast(
            "Mapping[str, Any]",
            self._client.update_alias(
                FunctionName=function,
                Name=believed.name,
                FunctionVersion=wanted.stable,
                RoutingConfig={"AdditionalVersionWeights": weights},
                Description=wanted.note.encode() if wanted.note else "",
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
            note=Note.parse(found.get("Description") or ""),
        )

    def latest(self, function: str) -> Latest:
        """Read the unpublished configuration."""
        found = self._client.get_function_configuration(FunctionName=function)
        pending = found.get("State") == "Pending" or found.get("LastUpdateStatus") == "InProgress"
        return Latest(
            revision=found["RevisionId"],
            code_sha256=found["CodeSha256"],
            environment=found.get("Environment", {}).get("Variables", {}),
            busy=pending,
            memory=found["MemorySize"],
            timeout=found["Timeout"],
            ephemeral_storage=found.get("EphemeralStorage", {}).get("Size", 512),
        )

    def configure(self, function: str, believed: Latest, wanted: Latest) -> None:
        """Write the unpublished configuration if it still stands as believed; a 412 or 409 leaves it as it is."""
        refusals = self._client.exceptions
        try:
            self._client.update_function_configuration(
                FunctionName=function,
                Environment={"Variables": wanted.environment},
                MemorySize=wanted.memory,
                Timeout=wanted.timeout,
                EphemeralStorage={"Size": wanted.ephemeral_storage},
                RevisionId=believed.revision,
            )
        except (refusals.PreconditionFailedException, refusals.ResourceConflictException):
            return

    def publish(self, function: str, believed: Latest, description: str) -> str | None:
        """Publish `$LATEST` if it still stands as believed; None when it does not."""
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

    def versions(self, function: str) -> Iterator[Published]:
        """List the published versions, oldest first."""
        pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
        for page in pages:
            for found in page["Versions"]:
                if found["Version"] != "$LATEST":
                    imprint = Imprint.parse(found.get("Description") or "")
                    yield Published(version=found["Version"], imprint=imprint)

    def imprint(self, function: str, version: str) -> Imprint | None:
        """Read which release a version is; None for one that the deployer did not publish."""
        found = self._client.get_function_configuration(FunctionName=function, Qualifier=version)
        return Imprint.parse(found.get("Description") or "")

    def pointer(self, function: str, version: str) -> str | None:
        """Read the bundle that a version points at, encoded; None for a version without one, or no such version."""
        try:
            found = self._client.get_function_configuration(FunctionName=function, Qualifier=version)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        return found.get("Environment", {}).get("Variables", {}).get(VARIABLE)

    def readiness(self, function: str, version: str) -> Readiness:
        """Ask whether a version is Active; GetFunction has the control plane's widest limit (100 a second)."""
        found = self._client.get_function(FunctionName=function, Qualifier=version)["Configuration"]
        return Readiness(state=found.get("State", "Active"), reason=found.get("StateReason", ""))

    def invoke(self, function: str, version: str, event: JsonValue) -> Answer:
        """Invoke a version, wait for its answer, and read the log's tail."""
        answer = self._invoker.invoke(
            FunctionName=function, Qualifier=version, LogType="Tail", Payload=json.dumps(event).encode()
        )
        body = answer["Payload"].read()
        return Answer(
            error="FunctionError" in answer,
            payload=json.loads(body) if body else None,
            log=base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")[-_LOG_TAIL:],
        )

    def start(self, rollout: str, name: str, payload: str) -> bool:
        """Start a durable execution under a name; False when that name was started with another payload before.

        The same name with the same payload returns the existing execution.
        Source: AWS Lambda developer guide, durable functions, idempotency.
        """
        try:
            self._client.invoke(
                FunctionName=rollout, InvocationType="Event", DurableExecutionName=name, Payload=payload.encode()
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "DurableExecutionAlreadyStartedException":
                raise
            return False
        return True
