"""Every call is recorded, so that a test can ask what really reached AWS: no alias moved without a RevisionId."""

import json
import re
import time
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions
from ministack.core.router import detect_service, extract_access_key_id
from ministack.services import sts

from tests.local import calls
from tests.local.configuration import ACCOUNT, REGION, current
from tests.local.upstream import around, needs

type Response = tuple[int, dict[str, str], Any]
type Query = dict[str, list[str]]

_FUNCTION = re.compile(r"/functions/(?P<FunctionName>[^/]+)(?:/aliases/(?P<Name>[^/]+))?")
_NOT_KEPT = ("ZipFile", "Code")


async def dispatch(
    original: Callable[..., Coroutine[Any, Any, Response]],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: Query,
    request_id: str,
) -> Response:
    """Serve the call, then write it down."""
    response = await original(method, path, headers, body, query_params, request_id)
    service = detect_service(method, path, headers, query_params)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, query_params) or f"{service}:{method}"
    parameters = _parameters(service, path, body, query_params)
    resource = iam_actions.extract_resource_arn(service, method, path, headers, body, query_params, REGION, ACCOUNT)
    name = action.partition(":")[2]
    call = calls.Call(time.time(), service, name, parameters, _caller(headers), response[0], resource)
    calls.append(current().directory, call)
    return response


def _parameters(service: str, path: str, body: bytes, query_params: Query) -> dict[str, Any]:
    query = {name: values[0] for name, values in query_params.items() if values}
    if service != "lambda":
        return {"path": unquote(path)} | query
    found = _FUNCTION.search(unquote(path))
    named = {name: value for name, value in found.groupdict().items() if value} if found else {"path": unquote(path)}
    return named | query | ({} if path.endswith("/invocations") else _json(body))


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body or b"{}")
    except ValueError:
        return {}
    return {name: value for name, value in said.items() if name not in _NOT_KEPT} if isinstance(said, dict) else {}


def _caller(headers: dict[str, str]) -> str:
    """A function's session token names it; with IAM enforced its session does."""
    key = extract_access_key_id(headers, {})
    if key == ACCOUNT:
        return headers.get("x-amz-security-token", "")
    session = sts._sessions.get(key) or {}
    return str(session.get("Arn", ""))


def install() -> None:
    """Record at upstream's one point of dispatch."""
    needs(iam_actions, "extract_iam_action", "extract_resource_arn")
    needs(sts, "_sessions")
    around(app, "_dispatch_service_request", dispatch)
