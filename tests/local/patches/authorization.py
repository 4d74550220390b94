"""With IAM enforced, Lambda calls are checked as the action they are, on the resource they name.

Upstream takes UpdateAlias for ListAliases and PutProvisionedConcurrencyConfig for UpdateFunctionCode, knows no durable
actions, forgets the qualifier of a function, and takes loopback for insecure transport, so that a bucket policy that
demands TLS refuses everybody. A bucket policy that names roles refuses them too: upstream gives aws:PrincipalArn the
session's ARN where AWS gives the role's, with its path. And upstream knows no variables in what a statement is about.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import iam

from tests.local.upstream import around, needs

_VARIABLE = re.compile(r"\$\{(?P<key>[\w:/-]+)(?:, *'(?P<default>[^']*)')?\}")
_ALIAS = re.compile(r"/functions/[^/]+/aliases/[^/]+$")
_ALIAS_ACTIONS = {"GET": "GetAlias", "PUT": "UpdateAlias", "DELETE": "DeleteAlias"}
_PROVISIONED = re.compile(r"/functions/[^/]+/provisioned-concurrency$")
_PROVISIONED_VERBS = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}
_EXECUTION = re.compile(r"/durable-executions/(?P<arn>.+?)(?:/(?P<verb>state|history|stop|checkpoint))?$")
_EXECUTION_ACTIONS = {
    None: "GetDurableExecution",
    "state": "GetDurableExecutionState",
    "history": "GetDurableExecutionHistory",
    "stop": "StopDurableExecution",
    "checkpoint": "CheckpointDurableExecution",
}


def lambda_action(original: Callable[..., str | None], method: str, path: str) -> str | None:
    """Return the action of aliases, provisioned concurrency and durable executions; upstream knows the others."""
    path = unquote(path)
    if _ALIAS.search(path):
        return _ALIAS_ACTIONS.get(method)
    if _PROVISIONED.search(path):
        return f"{_PROVISIONED_VERBS.get(method, method)}ProvisionedConcurrencyConfig"
    if path.endswith("/durable-executions") and "/functions/" in path:
        return "ListDurableExecutionsByFunction"
    if found := _EXECUTION.search(path):
        return _EXECUTION_ACTIONS[found["verb"]]
    return original(method, path)


def extract_iam_action(
    original: Callable[..., str | None],
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query_params: Mapping[str, Any],
) -> str | None:
    """One path is for one version's provisioned concurrency and for all of a function's."""
    action = original(service, method, path, headers, body, query_params)
    if action == "lambda:GetProvisionedConcurrencyConfig" and "List" in query_params:
        return "lambda:ListProvisionedConcurrencyConfigs"
    return action


def extract_resource_arn(
    original: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query_params: Mapping[str, Any],
    region: str,
    account_id: str,
) -> str:
    """Return the execution, the function with its qualifier, or the log group with the suffix that policies name it by.

    Source of the last: CloudWatch Logs API reference, LogGroup, arn and logGroupArn.
    """
    if service == "lambda" and (found := _EXECUTION.search(unquote(path))):
        return found["arn"]
    arn = original(service, method, path, headers, body, query_params, region, account_id)
    if service == "logs" and ":log-group:" in arn and not arn.endswith(":*"):
        return f"{arn}:*"
    qualifier = query_params.get("Qualifier") if service == "lambda" else None
    return f"{arn}:{qualifier[0] if isinstance(qualifier, list) else qualifier}" if qualifier else arn


def pin_request_origin(original: Callable[..., None], source_ip: str, secure_transport: bool) -> None:
    """Take loopback for as private as TLS."""
    original(source_ip, secure_transport or source_ip == "127.0.0.1")


def resolve_condition_key(original: Callable[..., Any], key: str, ctx: iam_evaluator.EvalContext) -> Any:
    """Return the role behind a session, when a policy asks for the principal."""
    value = original(key, ctx)
    if key.lower() != "aws:principalarn" or ctx.principal_type != "AssumedRole":
        return value
    role = iam._roles.get_scoped(ctx.principal_account, None, iam_evaluator._role_name_from_assumed_arn(value))
    return role["Arn"] if role else value


def first_match(
    original: Callable[..., Any],
    ctx: iam_evaluator.EvalContext,
    stmts: list[iam_evaluator.ParsedStatement],
    effect: str,
) -> iam_evaluator.ParsedStatement | None:
    """Fill in the variables of resources first; a statement with one that has no value is invalid, and left out."""
    filled = (_filled(statement, ctx) for statement in stmts)
    found: iam_evaluator.ParsedStatement | None = original(ctx, [one for one in filled if one], effect)
    return found


def _filled(
    statement: iam_evaluator.ParsedStatement, ctx: iam_evaluator.EvalContext
) -> iam_evaluator.ParsedStatement | None:
    def value(found: re.Match[str]) -> str:
        actual = iam_evaluator._resolve_condition_key(found["key"], ctx)
        if actual is None and found["default"] is None:
            raise LookupError(found["key"])
        return str(found["default"] if actual is None else actual)

    try:
        resources, others = (
            [_VARIABLE.sub(value, pattern) for pattern in patterns]
            for patterns in (statement.resources, statement.not_resources)
        )
    except LookupError:
        return None
    return replace(statement, resources=resources, not_resources=others)


def install() -> None:
    """Name actions and resources before upstream decides."""
    around(iam_actions, "_lambda_action", lambda_action)
    around(iam_actions, "extract_iam_action", extract_iam_action)
    around(iam_actions, "extract_resource_arn", extract_resource_arn)
    around(app, "pin_request_origin", pin_request_origin)
    needs(iam, "_roles")
    needs(iam_evaluator, "_role_name_from_assumed_arn")
    around(iam_evaluator, "_resolve_condition_key", resolve_condition_key)
    around(iam_evaluator, "_first_match", first_match)
