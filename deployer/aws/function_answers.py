"""Pure: Lambda's answers about functions, versions and aliases, as values."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from bootstrap.pointer import VARIABLE
from deployer.model.alias import Alias, AliasState
from deployer.model.drop import VersionDescription
from deployer.model.function import LAUNCH_VARIABLES, Architecture, Difference, FunctionConfiguration, FunctionSizes
from deployer.model.version import LatestConfiguration, Provisioned, PublishedVersion, Readiness


def configuration(
    name: str, found: Mapping[str, Any], live: Mapping[str, Any], *, has_concurrency: bool
) -> FunctionConfiguration:
    """Return a function's configuration; `live` is that of its alias, which may have provisioned concurrency."""
    runtime = found.get("Runtime", "")
    variables = found.get("Environment", {}).get("Variables", {})
    path = variables.get("NODE_PATH" if runtime.startswith("nodejs") else "PYTHONPATH", "")
    sizes = _sizes(found)
    return FunctionConfiguration(
        name=name,
        runtime=runtime,
        architecture=_architecture(found),
        memory=sizes.memory,
        timeout=sizes.timeout,
        ephemeral_storage=sizes.ephemeral_storage,
        snap_start=_has_snap_start(found),
        layers=tuple(layer["Arn"] for layer in found.get("Layers", ())),
        module_path=tuple(filter(None, path.split(":"))),
        launch_variables={name: variables[name] for name in LAUNCH_VARIABLES if name in variables},
        environment_error=_environment_error(found),
        alias_has_concurrency=has_concurrency,
        differs=tuple(_differing(found, live)),
    )


def _architecture(found: Mapping[str, Any]) -> Architecture:
    architectures: list[Architecture] = found.get("Architectures") or ["x86_64"]
    return architectures[0]


def _sizes(found: Mapping[str, Any]) -> FunctionSizes:
    storage = found.get("EphemeralStorage", {}).get("Size", 512)
    return FunctionSizes(memory=found["MemorySize"], timeout=found["Timeout"], ephemeral_storage=storage)


def _has_snap_start(found: Mapping[str, Any]) -> bool:
    return bool(found.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions")


def latest(found: Mapping[str, Any]) -> LatestConfiguration:
    """Return the unpublished configuration."""
    return LatestConfiguration(
        revision=found["RevisionId"],
        code_sha256=found["CodeSha256"],
        environment=found.get("Environment", {}).get("Variables", {}),
        environment_error=_environment_error(found),
        updating=found.get("State") == "Pending" or found.get("LastUpdateStatus") == "InProgress",
        sizes=_sizes(found),
    )


def readiness(found: Mapping[str, Any]) -> Readiness:
    """Return whether a version can be invoked; under SnapStart that takes its snapshot."""
    optimised = not _has_snap_start(found) or found.get("SnapStart", {}).get("OptimizationStatus") == "On"
    state = found.get("State", "Active")
    reason = found.get("StateReason", "")
    return Readiness(state="Pending" if state == "Active" and not optimised else state, reason=reason)


def concurrency(found: Mapping[str, Any]) -> Readiness:
    """Return the state of a version's provisioned concurrency."""
    return Readiness(state=found["Status"], reason=found.get("StatusReason", ""))


def provisioned(found: Mapping[str, Any]) -> Provisioned:
    """Return an item of the list of a function's provisioned concurrency."""
    return Provisioned(
        qualifier=found["FunctionArn"].rpartition(":")[2],
        requested=found["RequestedProvisionedConcurrentExecutions"],
        status=found.get("Status", "IN_PROGRESS"),
    )


def alias(found: Mapping[str, Any]) -> Alias:
    """Return an alias with the state that its description records."""
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


def without_lambdas_weight(written: Alias, believed: Alias) -> Alias:
    """Return an alias as it will be, without the weight that Lambda itself gives the version before.

    Lambda does that while provisioned concurrency of the alias moves. Source: hashicorp/terraform-provider-aws#48116.
    """
    by_lambda = (written.canary, written.weight) == (believed.stable, 100)
    return written.model_copy(update={"canary": None, "weight": 0}) if by_lambda else written


def payload(body: bytes) -> JsonValue:
    """Return a parsed answer, or its text if it is not JSON, as a streamed one may be."""
    try:
        found: JsonValue = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
    return found


def published(found: Mapping[str, Any]) -> PublishedVersion:
    """Return a published version."""
    variables = found.get("Environment", {}).get("Variables", {})
    return PublishedVersion(
        version=found["Version"],
        description=VersionDescription.parse(found.get("Description") or ""),
        pointer=variables.get(VARIABLE),
        environment_error=_environment_error(found),
        memory=found.get("MemorySize", 128),
        architecture=_architecture(found),
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
