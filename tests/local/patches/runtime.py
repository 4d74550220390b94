"""Python functions run under AWS's own runtime client, as on Lambda.

Upstream runs them in a worker of its own: every error is `Runtime.HandlerError`, and its packages and environment
leak into the function. Here the process gets the variables Lambda sets, an interpreter that holds `awslambdaric`
and nothing else, its own package as working directory, and the caller's client context, which upstream drops.
"""

import base64
import contextvars
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.lambda_runtime import execution_credentials
from ministack.core.responses import new_uuid
from ministack.services import lambda_svc

from tests.local import interpreter
from tests.local.configuration import current
from tests.local.environments import Environment, Program, fault
from tests.local.runtime_api import Invocation, Outcome
from tests.local.upstream import around, needs

type Config = dict[str, Any]
type Result = dict[str, Any]
type Response = tuple[int, dict[str, str], bytes]

_numbers = itertools.count(1)
_client_context: contextvars.ContextVar[str | None] = contextvars.ContextVar("client_context", default=None)
"""The client context of the current invocation; it travels with the call into the worker's thread."""


class PythonWorker:
    """A worker as upstream's pool expects it, over an `Environment`."""

    def __init__(self, func_name: str, config: Config, code_zip: bytes) -> None:
        self.config = config
        self.in_use = False
        self.last_used = time.time()
        self._lock = threading.Lock()
        self._cold = True
        program = Program(
            command=interpreter.command(config["Runtime"]),
            task_root=Path(lambda_svc._provided_runtime_code_dir(code_zip)),
            variables=variables(config, lambda_svc._provided_runtime_code_dir(code_zip)),
        )
        directory = current().directory / "environments" / f"{func_name}-{next(_numbers)}"
        self.environment = Environment(program, directory)

    @property
    def _proc(self) -> object:
        return self.environment.process

    @_proc.setter
    def _proc(self, gone: None) -> None:
        """Upstream lets go of the process before it asks for the environment's removal."""

    def _spawn(self) -> None:
        outcome = self.environment.start()
        if outcome.kind != "ready":
            raise RuntimeError(json.loads(outcome.payload).get("errorMessage"))

    def _discard_tmpdir(self) -> None:
        self.environment.remove()

    def kill(self) -> None:
        """Kill the process, as a sandbox that dies; the next invocation starts a new one."""
        self.environment.stop()

    def invoke(self, event: object, request_id: str, *, trace_id: str | None, invoked_function_arn: str) -> Result:
        """Run one event; init that fails or overruns is repeated once, under the function's own timeout."""
        limit = float(self.config.get("Timeout", 3))
        with self._lock:
            outcome = self._initialised(limit)
            if outcome.kind == "ready":
                deadline = time.time() + limit
                payload = json.dumps(event).encode()
                beside = (trace_id, _client_context.get())
                invocation = Invocation(request_id, payload, deadline, invoked_function_arn, *beside)
                outcome = self.environment.run(invocation, limit)
            return _result(outcome, self.environment.output())

    def _initialised(self, limit: float) -> Outcome:
        if self.environment.alive:
            return Outcome("ready")
        first = self.environment.start()
        return first if first.kind == "ready" else self.environment.start(limit)


def variables(config: Config, task_root: str) -> dict[str, str]:
    """Return the environment Lambda gives a function, and nothing of ours but the endpoint.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    name, version, runtime = config["FunctionName"], config.get("Version", "$LATEST"), config["Runtime"]
    region = lambda_svc._account_region_from_function_config(config)[1]
    return {
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": current().endpoint,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": _initialization_type(config),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"[{version}]{new_uuid().replace('-', '')}",
        "AWS_REGION": region,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "LAMBDA_RUNTIME_DIR": str(interpreter.directory(runtime)),
        "LAMBDA_TASK_ROOT": task_root,
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        "TZ": ":UTC",
        "_HANDLER": config["Handler"],
        **_log_format(config),
        **current().function_environment,
        **_credentials(config),
        **lambda_svc._runtime_env_vars(config),
    }


def _credentials(config: Config) -> dict[str, str]:
    """Return the role's session if IAM is enforced; else the account's, with a token that names the function."""
    found: dict[str, str] = execution_credentials(config)
    return found if current().auth else found | {"AWS_SESSION_TOKEN": config["FunctionName"]}


def _initialization_type(config: Config) -> str:
    return "snap-start" if (config.get("SnapStart") or {}).get("OptimizationStatus") == "On" else "on-demand"


def _log_format(config: Config) -> dict[str, str]:
    logging = config.get("LoggingConfig") or {}
    if logging.get("LogFormat") != "JSON":
        return {}
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": logging.get("ApplicationLogLevel", "INFO")}


def _result(outcome: Outcome, log: str) -> Result:
    answer = json.loads(outcome.payload or fault("Runtime.Unknown", f"the runtime said {outcome.kind}"))
    if outcome.kind == "response":
        return {"status": "ok", "result": answer, "log": log}
    return {"status": "error", "error": answer.get("errorMessage"), "error_payload": answer, "log": log}


def _is_python(config: Config) -> bool:
    return str(config.get("Runtime", "")).startswith("python")


def worker_class_for(original: Callable[..., Any], config: Config) -> object:
    """Python environments are ours; everything else stays upstream's."""
    return PythonWorker if _is_python(config) else original(config)


def execute_function_warm(original: Callable[..., Result], func: Any, event: Any, request_id: str) -> Result:
    """Route Python through the executor that passes the Runtime API's error payload on unchanged."""
    if _is_python(func.get("config") or func):
        result: Result = lambda_svc._execute_function_provided_warm(func, event, request_id)
        return result
    return original(func, event, request_id)


async def invoke(
    original: Callable[..., Coroutine[Any, Any, Response]],
    name: str,
    event: object,
    headers: Mapping[str, str],
    path_qualifier: str | None = None,
    query_params: dict[str, Any] | None = None,
) -> Response:
    """Remember the client context, which Lambda passes on for synchronous invocations only."""
    synchronous = headers.get("x-amz-invocation-type", "RequestResponse") == "RequestResponse"
    said = base64.b64decode(headers.get("x-amz-client-context", "")).decode() if synchronous else ""
    token = _client_context.set(said or None)
    try:
        return await original(name, event, headers, path_qualifier, query_params)
    finally:
        _client_context.reset(token)


def install() -> None:
    """Put our environments where upstream creates its own."""
    needs(lambda_svc, "_provided_runtime_code_dir", "_execute_function_provided_warm", "_runtime_env_vars")
    needs(lambda_svc, "_account_region_from_function_config")
    around(lambda_runtime, "_worker_class_for", worker_class_for)
    around(lambda_svc, "_execute_function_warm", execute_function_warm)
    around(lambda_svc, "_invoke", invoke)
