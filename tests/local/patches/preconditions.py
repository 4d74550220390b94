"""Publishing and moving an alias are refused as AWS refuses them.

Upstream publishes whatever RevisionId or code digest the caller believed in, and while an update is still in
progress; it points aliases at versions that do not exist, and takes any weights: of versions of two roles or dead
letter queues, and on an alias that has provisioned concurrency.

https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html (one role, one dead letter queue)
https://github.com/hashicorp/terraform-provider-aws/pull/48116 (provisioned concurrency)
"""

import contextvars
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from tests.local.upstream import around, needs

type Record = dict[str, Any]
type Response = tuple[int, dict[str, str], bytes]

UPDATE_TAKES = 0.25
"""Seconds a function's update stays in progress: long enough for a poll to see, and too short to wait for."""

_by_a_stack: contextvars.ContextVar[bool] = contextvars.ContextVar("by_a_stack", default=False)
"""CloudFormation waits for its own updates; upstream's does not."""


def publish_version(original: Callable[..., Response], name: str, data: Record) -> Response:
    """Refuse what the caller did not expect."""
    function = lambda_svc._functions.get(name)
    return (function and _unpublishable(name, function["config"], data)) or original(name, data)


def _unpublishable(name: str, config: Record, data: Record) -> Response | None:
    if data.get("RevisionId") and (stale := lambda_svc._check_revision(config, data)):
        refused: Response = stale
        return refused
    if data.get("CodeSha256") not in (None, config["CodeSha256"]):
        message = f"CodeSHA256 ({data['CodeSha256']}) is different from current CodeSHA256 in $LATEST"
        return _error("InvalidParameterValueException", message, 400)
    if config.get("LastUpdateStatus") == "InProgress" and not _by_a_stack.get():
        message = "The operation cannot be performed at this time. An update is in progress for resource: "
        return _error("ResourceConflictException", message + lambda_svc._func_arn(name), 409)
    return None


def create_alias(original: Callable[..., Response], func_name: str, data: Record) -> Response:
    """Refuse versions and weights that cannot be."""
    return _unroutable(func_name, None, data) or original(func_name, data)


def update_alias(original: Callable[..., Response], func_name: str, alias_name: str, data: Record) -> Response:
    """Refuse versions and weights that cannot be, after a stale RevisionId."""
    return _unroutable(func_name, alias_name, data) or original(func_name, alias_name, data)


def _unroutable(name: str, alias_name: str | None, data: Record) -> Response | None:
    function = lambda_svc._functions.get(name)
    if not function:
        return None
    alias = function["aliases"].get(alias_name) if alias_name else {}
    if alias is None or (lambda_svc._check_revision(alias, data) and alias):
        return None  # upstream says so itself
    stable = data.get("FunctionVersion") or alias.get("FunctionVersion", "")
    weights = (data.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for code, message, status in _faults(name, function["versions"], stable, weights):
        return _error(code, message, status)
    if weights and alias_name in function.get("provisioned_concurrency", {}):
        message = "Invalid alias configuration for Provisioned Concurrency"
        return _error("InvalidParameterValueException", message, 400)
    return None


def _faults(name: str, versions: Record, stable: str, weights: dict[str, float]) -> Iterator[tuple[str, str, int]]:
    arn = lambda_svc._func_arn(name)
    for version in (stable, *weights):
        if version not in versions and version != "$LATEST":
            yield "ResourceNotFoundException", f"Function not found: {arn}:{version}", 404
    if weights and "$LATEST" in (stable, *weights):
        yield (
            "InvalidParameterValueException",
            "$LATEST is not supported for an alias pointing to more than 1 version",
            400,
        )
    if stable in weights:
        yield "InvalidParameterValueException", "Invalid function version. Function version already specified", 400
    if len(weights) > 1 or not all(0 <= float(weight) <= 1 for weight in weights.values()):
        yield "InvalidParameterValueException", "Invalid value for additional version weights", 400
    configs = [versions[version]["config"] for version in (stable, *weights) if version in versions]
    for shared, what in (("Role", "execution role"), ("DeadLetterConfig", "dead letter queue")):
        if len({str(config.get(shared) or None) for config in configs}) > 1:
            message = f"Specified versions must be associated with the same {what}"
            yield "InvalidParameterValueException", message, 400


def put_provisioned_concurrency(
    original: Callable[..., Response], func_name: str, qualifier: str, data: Record
) -> Response:
    """Refuse an alias that has weights."""
    alias = lambda_svc._functions.get(func_name, {}).get("aliases", {}).get(qualifier, {})
    if (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
        message = "Alias with weights can not be used with Provisioned Concurrency"
        return _error("InvalidParameterValueException", message, 400)
    return original(func_name, qualifier, data)


def get_provisioned_concurrency(original: Callable[..., Response], func_name: str, qualifier: str) -> Response:
    """List all of a function's; upstream takes the list for a question about `$LATEST`."""
    if qualifier or func_name not in lambda_svc._functions:
        return original(func_name, qualifier)
    found = lambda_svc._functions[func_name].get("provisioned_concurrency", {})
    arn = lambda_svc._func_arn(func_name)
    listed = [{"FunctionArn": f"{arn}:{name}", **config} for name, config in found.items()]
    answer: Response = json_response({"ProvisionedConcurrencyConfigs": listed})
    return answer


def lambda_version_create(original: Callable[..., object], logical_id: Any, props: Any, stack_name: Any) -> object:
    """Publish for a stack although upstream's update still reads as in progress."""
    token = _by_a_stack.set(True)
    try:
        return original(logical_id, props, stack_name)
    finally:
        _by_a_stack.reset(token)


def _error(code: str, message: str, status: int) -> Response:
    refused: Response = error_response_json(code, message, status)
    return refused


def install() -> None:
    """Ask before upstream acts."""
    needs(lambda_svc, "_functions", "_check_revision", "_func_arn", "_LAMBDA_STATE_TRANSITION_DELAY")
    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = UPDATE_TAKES
    needs(provisioners, "_RESOURCE_HANDLERS")
    around(lambda_svc, "_publish_version", publish_version)
    around(lambda_svc, "_create_alias", create_alias)
    around(lambda_svc, "_update_alias", update_alias)
    around(lambda_svc, "_put_provisioned_concurrency", put_provisioned_concurrency)
    around(lambda_svc, "_get_provisioned_concurrency", get_provisioned_concurrency)
    around(provisioners, "_lambda_version_create", lambda_version_create)
    handlers: Any = provisioners._RESOURCE_HANDLERS
    handlers["AWS::Lambda::Version"]["create"] = provisioners._lambda_version_create
