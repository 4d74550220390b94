"""Alias weights route: a weighted version gets its share of the alias's invocations.

Upstream stores the weights and never looks at them. Here the version is drawn before upstream sees the call, and
the function still learns that it was called through the alias.

https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

import contextvars
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ministack.services import lambda_svc

from tests.local.upstream import around, needs

type Response = tuple[int, dict[str, str], bytes]
type Record = dict[str, Any]

alias_called: contextvars.ContextVar[str | None] = contextvars.ContextVar("alias_called", default=None)
"""The alias through which the current invocation came."""


def qualifier_of(
    headers: Mapping[str, str], path_qualifier: str | None, query_params: dict[str, Any] | None
) -> str | None:
    """Return the version or alias an Invoke names, wherever it names it."""
    return path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier") or headers.get("x-amz-qualifier")


def version_of(function: Record, qualifier: str) -> str | None:
    """Return the version that answers a call to `qualifier`, drawn by weight for an alias; None without one."""
    alias = function["aliases"].get(qualifier)
    if alias is not None:
        return _draw(alias)
    return qualifier if qualifier == "$LATEST" or qualifier in function["versions"] else None


def _draw(alias: Record) -> str:
    point = random.random()  # noqa: S311 - a share of traffic is no secret
    for version, weight in (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {}).items():
        point -= float(weight)
        if point < 0:
            return str(version)
    return str(alias["FunctionVersion"])


async def invoke(
    original: Callable[..., Coroutine[Any, Any, Response]],
    name: str,
    event: object,
    headers: Mapping[str, str],
    path_qualifier: str | None = None,
    query_params: dict[str, Any] | None = None,
) -> Response:
    """Invoke the version drawn instead of the alias."""
    qualifier = qualifier_of(headers, path_qualifier, query_params)
    function = lambda_svc._functions.get(name)
    if not qualifier or not function or qualifier not in function["aliases"]:
        return await original(name, event, headers, path_qualifier, query_params)
    token = alias_called.set(qualifier)
    try:
        return await original(name, event, headers, version_of(function, qualifier), query_params)
    finally:
        alias_called.reset(token)


def dispatch(
    original: Callable[..., Record], func: Record, config: Record, event: object, request_id: str, started: float
) -> Record:
    """Pass the ARN of the call to the function."""
    alias = alias_called.get()
    if alias is not None:
        config = config | {"FunctionArn": f"{lambda_svc._func_arn(config['FunctionName'])}:{alias}"}
        func = func | {"config": config}
    return original(func, config, event, request_id, started)


def install() -> None:
    """Draw before upstream resolves the alias."""
    needs(lambda_svc, "_functions", "_qp_first", "_func_arn")
    around(lambda_svc, "_invoke", invoke)
    around(lambda_svc, "_execute_function_dispatch", dispatch)
