"""Lambda's control plane as strict as the real one: revisions, immutable versions, states, weights, named executions.

Sources: AWS Lambda API reference, UpdateAlias, PublishVersion, UpdateFunctionConfiguration, EnvironmentResponse,
Invoke; developer guide, function states, weighted aliases (one role and one dead letter queue), durable functions
(idempotency); for an alias with provisioned concurrency hashicorp/terraform-provider-aws#48116.
"""

import base64
import copy
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from backports import zstd

from bootstrap.index import Index
from tests.faults.buckets import ACCOUNT
from tests.faults.clock import Clock
from tests.faults.wire import ServiceError
from tests.reliances.limits import ENVIRONMENT

APPLYING = timedelta(seconds=3)
"""Time for which a change of the configuration is in progress."""
PENDING = timedelta(seconds=5)
"""Time for which a published version is Pending."""
SETTLING = timedelta(minutes=3)
"""Time for which traffic stays with the older version of an alias whose provisioned concurrency moves."""
PAGE = 50
"""Versions in an answer. Source: Lambda API reference, ListVersionsByFunction, MaxItems."""
_KEPT = ("FunctionName", "Runtime", "Role", "Handler", "Architectures", "CodeSha256", "MemorySize", "Timeout")
_SHARED = ("Role", "DeadLetterConfig")
"""Settings that both versions of a weighted alias must have alike."""
_NOT_STARTED = b'{"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named \'numpy\'"}'
_HIDDEN = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt the variables"}}


@dataclass
class Alias:
    """The fields that UpdateAlias changes."""

    version: str
    weights: dict[str, float]
    description: str
    revision: str
    settles: datetime | None = None
    """Time at which Lambda removes the weights that it wrote itself."""

    @property
    def traffic(self) -> dict[str, int]:
        """Percent of the traffic by version."""
        shares = {version: round(100 * share) for version, share in self.weights.items() if share}
        return {self.version: 100 - sum(shares.values()), **shares}


@dataclass
class Function:
    """A function with its unpublished configuration, versions and aliases."""

    config: dict[str, Any]
    busy_until: datetime
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    ready_at: dict[str, datetime] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    provisioned: dict[str, int] = field(default_factory=dict)
    """By version or alias."""
    published: int = 0
    hidden: bool = False
    """True if its environment is encrypted with a key that the deployer may not use."""


@dataclass(frozen=True)
class Moved:
    """One move of an alias: who moved what, in the order of all effects."""

    at: int
    actor: str
    function: str
    before: dict[str, int]
    after: dict[str, int]
    note_before: str
    note_after: str
    checked: bool
    """True if the write named a revision."""


@dataclass(frozen=True)
class Invoked:
    """One synchronous invocation of a version."""

    at: int
    function: str
    version: str
    failed: bool


CONTROLLER = "dropshift-controller"


class Lambda:
    """The operations the deployer uses, and what they did."""

    def __init__(self, clock: Clock, read: Callable[[str, str, str], bytes | None]) -> None:
        self.functions: dict[str, Function] = {}
        self.moves: list[Moved] = []
        self.invocations: list[Invoked] = []
        self.descriptions: dict[tuple[str, str], str] = {}
        """Of every version that was ever published."""
        self.orders: dict[str, str] = {}
        """Payloads of the durable executions, by name."""
        self.commanded: list[str] = ["administration"]
        """Aliases of the controller: template.yaml makes the first, each application's stack one of its name."""
        self.chilled: list[str] = []
        """Versions that lost their provisioned concurrency while an alias gave them traffic."""
        self.executions: dict[str, Any] = {}
        """The engine's, by name."""
        self.run: Callable[[str, bytes], tuple[bool, bytes]] = lambda _release, payload: (False, payload or b"null")
        """The application: whether a call of a release fails, and its answer."""
        self.actor = "nobody"
        self._clock = clock
        self._read = read

    # --- the unpublished configuration and versions ------------------------------------------------------------------

    def create(self, name: str, alias: str) -> None:
        """Make a function with a first version that is no release, and its alias, as template.yaml does."""
        config = {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Role": "arn:aws:iam::123456789012:role/application",
            "Handler": "bootstrap.handler",
            "Architectures": ["x86_64"],
            "CodeSha256": "bootstrap",
            "MemorySize": 1024,
            "Timeout": 10,
            "EphemeralStorage": {"Size": 512},
            "Environment": {"Variables": {"OWN": "setting"}},
            "RevisionId": self._revision(),
            "LastModified": self._time(),
        }
        function = self.functions[name] = Function(config, busy_until=self._clock.now)
        self._publish(function, "")
        function.aliases[alias] = Alias("1", {}, "", self._revision())

    def get_function_configuration(self, FunctionName: str, Qualifier: str = "$LATEST") -> dict[str, Any]:
        function = self._function(FunctionName)
        if Qualifier == "$LATEST":
            progress = "InProgress" if self._clock.now < function.busy_until else "Successful"
            state = {"Version": "$LATEST", "State": "Active", "LastUpdateStatus": progress}
            return self._shown(function, {**function.config, **state})
        version = function.aliases[Qualifier].version if Qualifier in function.aliases else Qualifier
        found = self._version(function, version)
        state = {"State": self._state(function, version), "LastUpdateStatus": "Successful"}
        return self._shown(function, {**found, **state})

    @staticmethod
    def _shown(function: Function, config: dict[str, Any]) -> dict[str, Any]:
        """Show a configuration to somebody who may not use the function's key."""
        return {**config, "Environment": _HIDDEN} if function.hidden else config

    def get_function(self, **params: str) -> dict[str, Any]:
        return {"Configuration": self.get_function_configuration(**params)}

    def update_function_configuration(
        self,
        FunctionName: str,
        RevisionId: str | None = None,
        **changes: Any,  # noqa: ANN401 - any part of the configuration
    ) -> dict[str, Any]:
        function = self._function(FunctionName)
        self._check(RevisionId, function.config["RevisionId"])
        self._not_busy(function)
        measured = json.dumps(changes.get("Environment", {}).get("Variables", {}), separators=(",", ":"))
        if len(measured) > ENVIRONMENT:  # the refusal repeats the whole environment
            raise ServiceError(
                "InvalidParameterValueException", 400, f"exceeded the 4KB limit. String measured: {measured}"
            )
        function.config |= {**changes, "RevisionId": self._revision(), "LastModified": self._time()}
        function.busy_until = self._clock.now + APPLYING
        return self.get_function_configuration(FunctionName)

    def publish_version(
        self, FunctionName: str, Description: str = "", CodeSha256: str | None = None, RevisionId: str | None = None
    ) -> dict[str, Any]:
        function = self._function(FunctionName)
        self._check(RevisionId, function.config["RevisionId"])
        self._not_busy(function)
        if CodeSha256 not in (None, function.config["CodeSha256"]):
            raise ServiceError("InvalidParameterValueException", 400)
        newest = function.versions.get(str(function.published))
        if newest and _content(newest) == _content(function.config):
            return newest
        return self._publish(function, Description)

    def _publish(self, function: Function, description: str) -> dict[str, Any]:
        function.published += 1
        version = str(function.published)
        frozen = copy.deepcopy(function.config)
        made = {**frozen, "Version": version, "Description": description, "RevisionId": self._revision()}
        function.versions[version] = made
        self.descriptions[frozen["FunctionName"], version] = description
        function.ready_at[version] = self._clock.now + PENDING
        function.config["RevisionId"] = self._revision()
        return {**made, "State": "Pending"}

    def list_versions_by_function(self, FunctionName: str, Marker: str = "0", **_: object) -> dict[str, Any]:
        """List them in no order, for none is promised, fifty at a time."""
        function, start = self._function(FunctionName), int(Marker)
        listed = [{**function.config, "Version": "$LATEST"}, *reversed(function.versions.values())]
        page = [self._shown(function, config) for config in listed[start : start + PAGE]]
        return {"Versions": page, **({"NextMarker": str(start + PAGE)} if start + PAGE < len(listed) else {})}

    def delete_function(self, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
        if Qualifier is None and ":" not in FunctionName:
            raise AssertionError("the whole function would be deleted")
        name, _, version = FunctionName.partition(":")
        function, version = self._function(name), Qualifier or version
        self._version(function, version)
        if any(version in (alias.version, *alias.weights) for alias in function.aliases.values()):
            raise ServiceError("ResourceConflictException", 409)
        del function.versions[version]
        return {"StatusCode": 204}

    def get_provisioned_concurrency_config(self, FunctionName: str, Qualifier: str) -> dict[str, Any]:
        wanted = self._function(FunctionName).provisioned.get(Qualifier)
        if wanted is None:
            raise ServiceError("ProvisionedConcurrencyConfigNotFoundException", 404)
        return {"RequestedProvisionedConcurrentExecutions": wanted, "Status": "READY"}

    def put_provisioned_concurrency_config(
        self, FunctionName: str, Qualifier: str, ProvisionedConcurrentExecutions: int
    ) -> dict[str, Any]:
        function = self._function(FunctionName)
        if Qualifier not in function.aliases:
            self._version(function, Qualifier)
        elif function.aliases[Qualifier].weights:
            raise ServiceError("InvalidParameterValueException", 400)
        function.provisioned[Qualifier] = ProvisionedConcurrentExecutions
        return {"RequestedProvisionedConcurrentExecutions": ProvisionedConcurrentExecutions, "Status": "IN_PROGRESS"}

    def list_provisioned_concurrency_configs(self, FunctionName: str, **_: object) -> dict[str, Any]:
        arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{FunctionName}"
        provisioned = self._function(FunctionName).provisioned.items()
        return {
            "ProvisionedConcurrencyConfigs": [
                {"FunctionArn": f"{arn}:{name}", "RequestedProvisionedConcurrentExecutions": count, "Status": "READY"}
                for name, count in provisioned
            ]
        }

    def delete_provisioned_concurrency_config(self, FunctionName: str, Qualifier: str) -> dict[str, Any]:
        function = self._function(FunctionName)
        if any(Qualifier in alias.traffic for alias in function.aliases.values()):
            self.chilled += [Qualifier] * (Qualifier in function.provisioned)
        if function.provisioned.pop(Qualifier, None) is None:
            raise ServiceError("ProvisionedConcurrencyConfigNotFoundException", 404)
        return {}

    # --- the alias -----------------------------------------------------------------------------------------------

    def get_alias(self, FunctionName: str, Name: str) -> dict[str, Any]:
        alias = self._function(FunctionName).aliases[Name]
        if alias.settles and self._clock.now >= alias.settles:
            alias.weights, alias.settles, alias.revision = {}, None, self._revision()
        routing = {"RoutingConfig": {"AdditionalVersionWeights": alias.weights}} if alias.weights else {}
        return {
            "Name": Name,
            "FunctionVersion": alias.version,
            "Description": alias.description,
            "RevisionId": alias.revision,
            **routing,
        }

    def list_aliases(self, FunctionName: str, Marker: str = "0", **_: object) -> dict[str, Any]:
        """List them fifty at a time, so that a reader of one page alone fails a test."""
        start = int(Marker)
        if FunctionName == CONTROLLER:
            listed = [{"Name": name, "FunctionVersion": "$LATEST"} for name in self.commanded]
        else:
            listed = [self.get_alias(FunctionName, name) for name in self._function(FunctionName).aliases]
        more = {"NextMarker": str(start + PAGE)} if start + PAGE < len(listed) else {}
        return {"Aliases": listed[start : start + PAGE], **more}

    def update_alias(
        self,
        FunctionName: str,
        Name: str,
        FunctionVersion: str | None = None,
        RoutingConfig: Mapping[str, dict[str, float]] | None = None,
        Description: str | None = None,
        RevisionId: str | None = None,
    ) -> dict[str, Any]:
        function = self._function(FunctionName)
        before = function.aliases[Name]
        self._check(RevisionId, before.revision)
        weights = before.weights if RoutingConfig is None else RoutingConfig.get("AdditionalVersionWeights", {})
        after = Alias(
            version=FunctionVersion or before.version,
            weights=dict(weights),
            description=before.description if Description is None else Description,
            revision=self._revision(),
        )
        self._fits(function, after)
        if after.weights and Name in function.provisioned:
            words = "Invalid alias configuration for Provisioned Concurrency"
            raise ServiceError("InvalidParameterValueException", 400, words)
        if after.version != before.version and Name in function.provisioned:
            after.weights, after.settles = {before.version: 1.0}, self._clock.now + SETTLING
        function.aliases[Name] = after
        notes = before.description, after.description
        checked = RevisionId is not None
        self.moves.append(
            Moved(
                self._clock.number(), self.actor, FunctionName, before.traffic, after.traffic, *notes, checked=checked
            )
        )
        return self.get_alias(FunctionName, Name)

    def _fits(self, function: Function, alias: Alias) -> None:
        """Refuse what Lambda refuses: unknown or Pending versions, several weights, `$LATEST`, a version twice."""
        weights = alias.weights
        if len(weights) > 1 or {alias.version, "$LATEST"} & weights.keys() or len(alias.description) > 256:
            raise ServiceError("InvalidParameterValueException", 400)
        for version in (alias.version, *alias.weights):
            self._version(function, version)
            if self._state(function, version) != "Active":
                raise ServiceError("InvalidParameterValueException", 400)
        if not all(0 <= share <= 1 for share in alias.weights.values()):
            raise ServiceError("InvalidParameterValueException", 400)
        for shared in _SHARED:
            if len({str(function.versions[one].get(shared)) for one in (alias.version, *alias.weights)}) > 1:
                words = "Specified versions must be associated with the same execution role and dead letter queue"
                raise ServiceError("InvalidParameterValueException", 400, words)

    # --- invocations ---------------------------------------------------------------------------------------------

    def invoke(
        self,
        FunctionName: str,
        Payload: bytes = b"",
        Qualifier: str | None = None,
        DurableExecutionName: str | None = None,
        **_: object,
    ) -> dict[str, Any]:
        if DurableExecutionName is not None:
            return self._begin(DurableExecutionName, Payload.decode())
        function = self._function(FunctionName)
        called = function.aliases[str(Qualifier)].version if Qualifier in function.aliases else str(Qualifier)
        version = self._version(function, called)
        if self._state(function, called) != "Active":
            raise ServiceError("ResourceConflictException", 409)
        error, answer = self._start(version, Payload)
        self.invocations.append(Invoked(self._clock.number(), FunctionName, called, failed=bool(error)))
        failed = {"FunctionError": "Unhandled"} if error else {}
        log = base64.b64encode(b"START\nEND\n").decode()
        return {"StatusCode": 200, "Payload": answer, "LogResult": log, **failed}

    def _start(self, version: Mapping[str, Any], payload: bytes) -> tuple[bool, bytes]:
        """Do as the bootstrap: run nothing whose bytes do not hash to the pin; a "broken" release does not start."""
        pointer = json.loads(version["Environment"]["Variables"]["DROPSHIFT_POINTER"])
        if not self.loadable(pointer):
            return True, b'{"errorType": "Dropshift.Corrupt", "errorMessage": "the index does not hash to the pin"}'
        if "broken" in pointer["release"]:
            return True, _NOT_STARTED
        return self.run(pointer["release"], payload)

    def loadable(self, pointer: Mapping[str, Any]) -> bool:
        """Return whether the bundle is there, with the index that the pointer pins, and the frames that this pins."""
        body = self._read(pointer["bucket"], pointer["key"], pointer["version"])
        return body is not None and _intact(body, pointer["offset"], pointer["size"], pointer["sha256"])

    def _begin(self, name: str, payload: str) -> dict[str, Any]:
        if self.orders.setdefault(name, payload) != payload:
            raise ServiceError("DurableExecutionAlreadyStartedException", 409)
        return {"StatusCode": 202, "DurableExecutionArn": execution_arn(name)}

    def get_durable_execution(self, DurableExecutionArn: str, **_: object) -> dict[str, Any]:
        name = DurableExecutionArn.split("/")[-2]
        if name not in self.orders or DurableExecutionArn != execution_arn(name):
            raise ServiceError("ResourceNotFoundException", 404)
        execution = self.executions.get(name)
        found = {
            "DurableExecutionArn": DurableExecutionArn,
            "DurableExecutionName": name,
            "Status": execution.status if execution else "RUNNING",
            "InputPayload": self.orders[name],
        }
        if execution and execution.status == "SUCCEEDED":
            found["Result"] = json.dumps(execution.result)
        return found

    # --- what all share ------------------------------------------------------------------------------------------

    def _function(self, name: str) -> Function:
        if name not in self.functions:
            raise ServiceError("ResourceNotFoundException", 404)
        return self.functions[name]

    def _version(self, function: Function, version: str) -> dict[str, Any]:
        if version not in function.versions:
            raise ServiceError("ResourceNotFoundException", 404)
        return function.versions[version]

    def _state(self, function: Function, version: str) -> str:
        return "Active" if self._clock.now >= function.ready_at[version] else "Pending"

    def _not_busy(self, function: Function) -> None:
        if self._clock.now < function.busy_until:
            raise ServiceError("ResourceConflictException", 409)

    def _time(self) -> str:
        return self._clock.now.strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def _revision(self) -> str:
        return f"revision-{self._clock.number()}"

    @staticmethod
    def _check(believed: str | None, present: str) -> None:
        if believed not in (None, present):
            raise ServiceError("PreconditionFailedException", 412)


def execution_arn(name: str) -> str:
    """Return the ARN of an execution of the rollout. Source: Lambda API reference, Execution, DurableExecutionArn."""
    return f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:dropshift-rollout:1/durable-execution/{name}/1"


@cache
def _intact(body: bytes, offset: int, size: int, digest: str) -> bool:
    """Return whether a bundle's index has this digest, and each frame the digest that the index gives it."""
    packed = body[offset : offset + size]
    if hashlib.sha256(packed).hexdigest() != digest:
        return False
    place = 0
    for frame in Index.parse(zstd.decompress(packed)).frames:
        if hashlib.sha256(body[place : place + frame.compressed]).hexdigest() != frame.sha256:
            return False
        place += frame.compressed
    return True


def _content(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = (*_KEPT, "DeadLetterConfig", "Environment", "EphemeralStorage")
    return {name: config.get(name) for name in kept}
