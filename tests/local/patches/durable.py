"""Durable executions: an Invoke of a function with a `DurableConfig` starts one in AWS's own local runner.

Upstream has an engine of its own, started by a field boto3 cannot send. Here the runner calls the function back, and
the durable API (get, history, list, stop, checkpoint) is passed on to it. A step's result has a limit, and a
stack's deletion waits for the executions of its functions; the runner knows neither.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (durable functions)
https://github.com/aws/aws-durable-execution-sdk-python/issues/342 (the service's words about a step's result)
https://github.com/aws-controllers-k8s/lambda-controller/issues/208 (DrainingDurableExecutions)
"""

import asyncio
import contextvars
import json
import re
import uuid
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

from ministack.core.responses import error_response_json, get_account_id
from ministack.services import cloudformation, lambda_svc
from ministack.services.cloudformation import handlers

from tests.local import durable_ends
from tests.local.configuration import current
from tests.local.durable_runner import API, AlreadyStartedError, Answer, Runner, Start
from tests.local.patches import routing
from tests.local.upstream import around, needs
from tests.reliances.limits import STEP_RESULT

type Response = tuple[int, dict[str, str], bytes]
type Headers = Mapping[str, str]
type Query = dict[str, list[str]]
type Original = Callable[..., Coroutine[Any, Any, Response]]

_EXECUTION = re.compile(API + r"durable-executions/(?P<arn>.+?)(?P<verb>/(?:state|history|stop|checkpoint))?$")
_LIST = re.compile(API + r"functions/(?P<function>[^/]+)/durable-executions$")
_ERRORS = {400: "InvalidParameterValueException", 404: "ResourceNotFoundException"}
_LONGEST = 366 * 24 * 3600
_POLL = 0.05


class Bridge:
    """Stands in front of Invoke and of the durable API."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def invoke(
        self,
        original: Original,
        name: str,
        event: object,
        headers: Headers,
        path_qualifier: str | None = None,
        query_params: Query | None = None,
    ) -> Response:
        """Start an execution if the function is durable and it is not the runner that calls."""
        function = lambda_svc._functions.get(name)
        settings = function and function["config"].get("DurableConfig")
        if not settings or headers.get("x-dex-handler-invoke") == "true":
            return await original(name, event, headers, path_qualifier, query_params)
        qualifier = routing.qualifier_of(headers, path_qualifier, query_params)
        version = qualifier and routing.version_of(function, qualifier)
        if not version:
            return _refusal(name, qualifier)
        return await self._execute(_wanted(name, version, event, headers, settings))

    async def handle_request(
        self, original: Original, method: str, path: str, headers: Headers, body: bytes, query_params: Query
    ) -> Response:
        """Pass the durable API on; everything else is upstream's."""
        path = unquote(path)
        target = _target(path)
        if target is None:
            return await original(method, path, headers, body, query_params)
        if target.endswith("/checkpoint") and _is_too_large(body):
            message = f"STEP output payload size must be less than or equal to {STEP_RESULT} bytes."
            return _error("InvalidParameterValueException", message, 400)
        query = urlencode(query_params, doseq=True)
        answer = await asyncio.to_thread(self._runner.call, method, f"{target}?{query}", body or None)
        return _listed(answer, query_params) if _LIST.search(path) else _passed_on(answer)

    async def delete_stack(
        self,
        original: Callable[..., Coroutine[Any, Any, None]],
        stack_name: str,
        stack_id: str,
        retain_resources: Any = (),
        force: Any = False,
    ) -> None:
        """Wait until no function of the stack has an execution under way, however long that takes."""
        stack = cloudformation._stacks.get(stack_name) or {}
        resources = stack.get("_resources", {}).values()
        functions = [one["PhysicalResourceId"] for one in resources if one["ResourceType"] == "AWS::Lambda::Function"]
        while any([await asyncio.to_thread(self._runner.running, function) for function in functions]):
            stack["StackStatus"] = "DELETE_IN_PROGRESS"
            await asyncio.sleep(_POLL)
        await original(stack_name, stack_id, retain_resources, force)

    async def _execute(self, wanted: Start) -> Response:
        context = contextvars.copy_context()
        try:
            arn = await asyncio.to_thread(context.run, self._runner.start, wanted)
        except AlreadyStartedError as error:
            message = f"An execution named {wanted.name} was started with another payload: {error}"
            return _error("DurableExecutionAlreadyStartedException", message, 409)
        about = {"X-Amz-Executed-Version": wanted.version, "X-Amz-Durable-Execution-Arn": arn}
        if wanted.asynchronous:
            return 202, about, b""
        return await self._result(arn, about)

    async def _result(self, arn: str, about: dict[str, str]) -> Response:
        found = {"Status": "RUNNING"}
        while found["Status"] == "RUNNING":
            await asyncio.sleep(_POLL)
            found = await asyncio.to_thread(self._runner.describe, arn)
        return _outcome(found, about)


def _wanted(name: str, version: str, event: object, headers: Headers, settings: Mapping[str, Any]) -> Start:
    return Start(
        account=get_account_id(),
        function=name,
        version=version,
        payload=json.dumps(event),
        name=headers.get("x-amz-durable-execution-name") or str(uuid.uuid4()),
        timeout=int(settings.get("ExecutionTimeout") or _LONGEST),
        retention=int(settings.get("RetentionPeriodInDays") or 14),
        asynchronous=headers.get("x-amz-invocation-type") == "Event",
    )


def _is_too_large(body: bytes) -> bool:
    """Return whether a checkpoint keeps a step's result that the service would refuse."""
    updates = json.loads(body or b"{}").get("Updates", ())
    results = [update.get("Payload") or "" for update in updates if update.get("Type") == "STEP"]
    return any(len(result.encode()) > STEP_RESULT for result in results)


def _outcome(found: Mapping[str, Any], about: dict[str, str]) -> Response:
    if found["Status"] == "SUCCEEDED":
        return 200, about, (found.get("Result") or "null").encode()
    error = found.get("Error") or {}
    fault = {"errorType": error.get("ErrorType"), "errorMessage": error.get("ErrorMessage")}
    return 200, about | {"X-Amz-Function-Error": "Unhandled"}, json.dumps(fault).encode()


def _refusal(name: str, qualifier: str | None) -> Response:
    if qualifier:
        return _error("ResourceNotFoundException", f"Function not found: {lambda_svc._func_arn(name)}:{qualifier}", 404)
    return _error(
        "InvalidParameterValueException", "You cannot invoke a durable function using an unqualified ARN.", 400
    )


def _passed_on(answer: Answer) -> Response:
    """Return the runner's answer, with its errors named as the service names them."""
    if answer.status < 400:
        return answer.status, answer.headers, answer.body
    said = json.loads(answer.body or b"{}")
    code = said.get("Type") or _ERRORS.get(answer.status, "ServiceException")
    return _error(code, said.get("message") or said.get("Message") or "", answer.status)


def _listed(answer: Answer, query_params: Query) -> Response:
    """The runner knows no `Statuses`."""
    wanted, listed = query_params.get("Statuses"), json.loads(answer.body)
    if answer.status == 200 and wanted:
        listed["DurableExecutions"] = [one for one in listed["DurableExecutions"] if one["Status"] in wanted]
    return _passed_on(Answer(answer.status, answer.headers, json.dumps(listed).encode()))


def _error(code: str, message: str, status: int) -> Response:
    refused: Response = error_response_json(code, message, status)
    return refused


def _target(path: str) -> str | None:
    """Return the runner's path for a durable API call, with what the server decoded encoded again."""
    if found := _EXECUTION.search(path):
        return f"{API}durable-executions/{quote(found['arn'], safe='')}{found['verb'] or ''}"
    if found := _LIST.search(path):
        return f"{API}functions/{lambda_svc._resolve_name(found['function'])}/durable-executions"
    return None


def install() -> None:
    """Start the runner and put the bridge in front of Lambda's API."""
    needs(lambda_svc, "_functions", "_func_arn", "_resolve_name")
    runner = Runner(current().endpoint, current().speed)
    durable_ends.watch(runner)
    bridge = Bridge(runner)
    around(lambda_svc, "_invoke", bridge.invoke)
    around(lambda_svc, "handle_request", bridge.handle_request)
    needs(cloudformation, "_stacks")
    around(handlers, "_delete_stack_async", bridge.delete_stack)
