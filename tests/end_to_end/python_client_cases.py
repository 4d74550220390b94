"""Applications that ask what the tests of AWS's client for Python ask: awslambdaric 4.0.1, tests/.

An application here asks from outside for the parts that those tests call directly: marshaller, log sink, context. Left
out are the cases of other tables: handlers and errors of test_bootstrap_fidelity.py, hooks of
test_bootstrap_snapstart.py, concurrency of test_bootstrap_managed.py; and the client's own sockets, retries and
version, which no application sees.
"""

import json

from tests.client_case import Case, sent

ECHO = "def handler(event, context):\n    return event\n"
BINARY = b"\x89PNG\r\n\x1a\n\x00\x00"
FAULT = """\
from awslambdaric.lambda_runtime_exception import FaultException
def handler(event, context):
    raise FaultException({})
"""
TRACE = "['  File \"spam.py\", line 3, in <module>\\n    spam()\\n', '', '    eggs  \\n\\n  ham']"
LOGS = """\
import logging
log = logging.getLogger("a.b")
def handler(event, context):
    for level in (5, 10, 20, 30, 40, 50, 60):
        log.log(level, "at %s,\\nin two lines", level)
    return logging.getLogger().level
"""
CONTEXT = """\
def handler(event, context):
    client = context.client_context
    return [
        context.aws_request_id, context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id,
        client and [client.custom, client.env, repr(client.client)], context.tenant_id, context.log_stream_name,
        context.function_version, type(context.get_remaining_time_in_millis()).__name__,
        0 < context.get_remaining_time_in_millis() <= 20_000,
    ]
"""
CLIENT = {"client": {"app_title": "t", "installation_id": "käse 日"}, "custom": {"a": 1}, "env": {"locale": "de"}}
IDENTITY = {"cognitoIdentityId": "one", "cognitoIdentityPoolId": "pool"}
TRACED = "import os\ndef handler(event, context):\n    return os.environ.get('_X_AMZN_TRACE_ID')\n"
TENANT = (
    "import logging\ndef handler(event, context):\n    logging.error('of a tenant')\n    return context.tenant_id\n"
)
RECURSES = """\
def deeper(depth):
    if depth:
        deeper(depth - 1)
    raise ValueError("x" * 1_048_576 if depth == 0 else "")
def handler(event, context):
    deeper(1)
"""
IMPORTS = "def handler(event, context):\n    import to_be_found.nowhere\n"
MISSING = "import sys\ndef other():\n    return 1\n"
JSON, TEXT = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}, {"AWS_LAMBDA_LOG_FORMAT": "TEXT"}
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "unknown")


def _app(follows: str, text: str, ends: str = "response", says: str = "", **more: object) -> Case:
    return Case(follows, {"app.py": text}, ends, says=says, **more)  # type: ignore[arg-type]


def _fault(kind: str, message: str, trace: str, ends: str, **more: object) -> Case:
    named = f"fault_exception_logging {kind} {message} {bool(trace)}"
    return _app(named, FAULT.format(f"{kind}, {message}, {trace or None}"), ends, **more)  # type: ignore[arg-type]


HANDLERS = {
    "a module called like a built-in one, below a folder": Case(
        "get_event_handler_doesnt_throw_build_in_module_name_slash", {"pkg/sys.py": ECHO}, "response", "pkg/sys.handler"
    ),
    "a module called like a built-in one, in a package": Case(
        "get_event_handler_doent_throw_build_in_module_name", {"pkg/sys.py": ECHO}, "response", "pkg.sys.handler"
    ),
    "a built-in module": Case(
        "get_event_handler_build_in_conflict", {"sys.py": ECHO}, "Runtime.BuiltInModuleConflict", "sys.hello"
    ),
    "folders that are no packages": Case(
        "get_event_handler_slash", {"a/b/test.py": ECHO}, "response", "a/b/test.handler"
    ),
    "a syntax error with tabs": _app(
        "get_event_handler_syntax_error", "def handler()\n\tprint('no colon')", "Runtime.UserCodeSyntaxError"
    ),
    "a syntax error in another module": Case(
        "get_event_handler_syntax_error",
        {"app.py": "import other\n", "other.py": "x = (\n"},
        "Runtime.UserCodeSyntaxError",
    ),
    "wrong indentation": _app("get_event_handler_syntax_error", " x = 1\ny = 2\n", "Runtime.UserCodeSyntaxError"),
    "a source with a NUL": _app("get_event_handler_syntax_error", "x = 1\0\n", "Runtime.UserCodeSyntaxError"),
    "an import error in words of Unicode": _app(
        "get_event_handler_import_error", "raise ImportError('kein Käse, 日本')\n", "Runtime.ExitError"
    ),
    "a handler that another module would have": _app(
        "get_event_handler_missing_error", MISSING, "Runtime.HandlerNotFound", handler="app.my_handler"
    ),
}
EVENTS = {
    "the event and the request's id": _app(
        "handle_event_request_happy_case", "def handler(event, context):\n    return [event, context.aws_request_id]\n"
    ),
    "a client context that is not JSON": _app(
        "handle_event_request_invalid_client_context",
        ECHO,
        "Runtime.LambdaContextUnmarshalError",
        "Unable to parse Client Context JSON",
        events=(sent(client_context="not json"), sent(client_context="not json")),
    ),
    "an identity that is not JSON": _app(
        "handle_event_request_invalid_cognito_idenity",
        ECHO,
        "Runtime.LambdaContextUnmarshalError",
        "Unable to parse Cognito Identity JSON",
        events=(sent(cognito_identity="not json"),),
    ),
    "an event that is not JSON": _app(
        "handle_event_request_invalid_event_body",
        ECHO,
        "Runtime.UnmarshalError",
        "Unable to unmarshal input",
        events=(sent(b"not json"), sent(b"")),
    ),
    "bytes for bytes": _app(
        "binary_request_binary_response", ECHO, events=(sent(BINARY, content_type="image/png"),) * 2
    ),
    "bytes for JSON": _app(
        "json_request_binary_response", f"def handler(event, context):\n    return {BINARY!r}\n", says="\\\\x89PNG"
    ),
    "bytes that are said to be JSON": _app(
        "binary_with_application_json", ECHO, "Runtime.UnmarshalError", events=(sent(BINARY), sent(BINARY))
    ),
    "a trace id that changes, and goes": _app(
        "update_xray_env_variable", TRACED, events=(sent(trace_id="Root=1-a"), sent(trace_id="Root=1-b"), sent())
    ),
    "a tenant": _app("wait_next_invocation", TENANT, events=(sent(tenant_id="blue"), sent(tenant_id="red"))),
    "a tenant, then none": _app(
        "wait_next_invocation_without_tenant_id_header", TENANT, events=(sent(tenant_id="blue"), sent())
    ),
    "no tenant, in JSON": _app("wait_next_invocation_with_null_tenant_id_header", TENANT, variables=JSON),
    "a tenant, in JSON": _app(
        "json_formatter_with_tenant_id", TENANT, says="tenantId", variables=JSON, events=(sent(tenant_id="blue"),)
    ),
}
CONTEXTS = {
    "a whole context": _app(
        "lambda_context init",
        CONTEXT,
        events=(sent(client_context=json.dumps(CLIENT), cognito_identity=json.dumps(IDENTITY), tenant_id="blue"),) * 2,
    ),
    "a context in UTF-8": _app(
        "lambda_context init_client_context",
        CONTEXT,
        events=(sent(client_context=json.dumps(CLIENT, ensure_ascii=False)),) * 2,
    ),
    "no identity and no client": _app("lambda_context init_empty_env", CONTEXT),
    "empty identity and client": _app(
        "lambda_context init_cognito", CONTEXT, events=(sent(client_context="{}", cognito_identity="{}"),)
    ),
    "a time that is over": _app(
        "get_remaining_time_in_millis_not_less_then_zero",
        "def handler(event, context):\n    context._epoch_deadline_time_in_ms -= 10**9\n"
        "    return context.get_remaining_time_in_millis()\n",
    ),
    "a context's log": _app("lambda_context log", "def handler(event, context):\n    context.log('said\\n')\n"),
    "a context's log without handlers": _app(
        "lambda_context log_without_handlers",
        "import logging\nlogging.getLogger().handlers.clear()\n"
        "def handler(event, context):\n    context.log('said\\n')\n    print(context)\n",
    ),
}
ANSWERS = {
    "an instance's class": _app(
        "handle_event_request_invalid_response",
        "def handler(event, context):\n    return type('obj', (), {'property': 1})\n",
        "Runtime.MarshalError",
    ),
    "a decimal": _app(
        "to_json_decimal_encoding",
        "from decimal import Decimal\ndef handler(event, context):\n    return {'pi': Decimal('3.14159')}\n",
        says="3.14159",
    ),
    "decimals that are no numbers": _app(
        "to_json_decimal_encoding_negative_nan",
        "from decimal import Decimal as D\ndef handler(event, context):\n    return [D('nan'), D('-nan'), D('inf')]\n",
    ),
    "Unicode": _app(
        "to_json_unicode_not_escaped_encoding",
        "def handler(event, context):\n    return {'price': '£1.00 日 \\U0001f600'}\n",
    ),
    "half a character": _app(
        "to_json_unicode_not_escaped_encoding", "def handler(*_):\n    return '\\ud800'\n", "Runtime.ExitError"
    ),
    "a JSON encoder that the application changes": _app(
        "json_serializer_is_not_default_json",
        "import json\njson.dumps = json.loads = json.JSONEncoder = json.JSONDecoder = None\n"
        "def handler(event, context):\n    return [json.dumps, event]\n",
    ),
}
ERRORS = {
    "an exception without its base's init": _app(
        "handle_event_request_custom_exception",
        "class MyError(Exception):\n    def __init__(self, message):\n        self.message = message\n"
        "def handler(event, context):\n    raise MyError('My error')\n",
        "MyError",
    ),
    "an exception without words": _app(
        "handle_event_request_custom_empty_error_message_exception",
        "class MyError(Exception):\n    pass\ndef handler(event, context):\n    raise MyError('')\n",
        "MyError",
    ),
    "an exception that cannot be printed": _app(
        "handle_event_request_custom_exception",
        "class Mute(Exception):\n    def __str__(self):\n        raise RuntimeError('mute')\n"
        "def handler(event, context):\n    raise Mute\n",
        "Runtime.ExitError",
    ),
    "an exception in words of Unicode": _app(
        "handle_event_request_custom_exception", "def handler(*_):\n    raise KeyError('Käse 日')\n", "KeyError"
    ),
    "an exception with more arguments": _app(
        "handle_event_request_custom_exception",
        "def handler(*_):\n    raise OSError(5, 'odd', {'a': b'1'})\n",
        "OSError",
    ),
    "a group of exceptions": _app(
        "handle_event_request_custom_exception",
        "def handler(*_):\n    raise ExceptionGroup('both', [KeyError(1), ValueError(2)])\n",
        "ExceptionGroup",
    ),
    "an import that fails within a call": _app("handle_event_request_no_module", IMPORTS, "ModuleNotFoundError"),
    "an import within a call that does not parse": Case(
        "handle_event_request_no_module",
        {"app.py": "def handler(event, context):\n    import other\n", "other.py": "def x(\n"},
        "SyntaxError",
    ),
    "a cause that is too large for its header": _app(
        "post_invocation_error_with_too_large_xray_cause", RECURSES, "ValueError"
    ),
    "a fault with a trace": _fault("'Kind'", "'in words'", TRACE, "Kind"),
    "a fault without a trace": _fault("'Kind'", "'in words'", "", "Kind"),
    "a fault without words": _fault("'Kind'", "None", "", "Kind"),
    "a fault without a type": _fault("None", "'in words'", "", ""),
    "a fault with nothing but a trace": _fault("None", "None", TRACE, ""),
    "a fault in JSON": _fault("'Kind'", "None", TRACE, "Kind", variables=JSON),
    "an error in JSON": _app("log_error", "def handler(*_):\n    raise KeyError('Käse')\n", "KeyError", variables=JSON),
    "an error in a frame": _app(
        "log_error_framed_log_sink",
        "def handler(*_):\n    raise KeyError('framed')\n",
        "KeyError",
        variables={"_LAMBDA_TELEMETRY_LOG_FD": "1"},
    ),
    "an error of init": _app("run_exception", "class Odd(Exception):\n    pass\nraise Odd('of init')\n", "Odd"),
    "an error of init in letters of Latin-1": _app("run_exception", "raise KeyError('Käse')\n", "KeyError"),
}
LOG = {
    **{
        f"levels in {name}, {level}": _app(
            "log_level", LOGS, variables={"AWS_LAMBDA_LOG_FORMAT": name, "AWS_LAMBDA_LOG_LEVEL": level}
        )
        for name in ("JSON", "TEXT")
        for level in LEVELS
    },
    "levels in an unknown format": _app(
        "log_level", LOGS, variables={"AWS_LAMBDA_LOG_FORMAT": "odd", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
    ),
    "a handler's frames": _app("handler_setup", LOGS, variables={"_LAMBDA_TELEMETRY_LOG_FD": "1", **JSON}),
    "an exception in JSON": _app(
        "exception",
        "import logging\ndef handler(event, context):\n    try:\n        {}['a']\n    except KeyError:\n"
        "        logging.getLogger('test.logger').exception('caught', extra={'more': [1, object]})\n",
        says="stackTrace",
        variables=JSON,
    ),
    "a level by hand": _app(
        "set_log_level_manually", f"import logging\nlogging.getLogger().setLevel('CRITICAL')\n{LOGS}", variables=JSON
    ),
    "a configuration of the application's own": _app(
        "set_log_level_with_dictConfig",
        "import logging.config\nlogging.config.dictConfig({'version': 1, 'disable_existing_loggers': False,\n"
        "    'formatters': {'simple': {'format': '%(levelname)-8s - %(message)s'}},\n"
        "    'handlers': {'stdout': {'class': 'logging.StreamHandler', 'formatter': 'simple'}},\n"
        f"    'root': {{'level': 'CRITICAL', 'handlers': ['stdout']}}}})\n{LOGS}",
        variables=JSON,
    ),
    "output without line ends": _app(
        "unbuffered write, writelines",
        "import os, sys\ndef handler(event, context):\n    sys.stdout.write('a ')\n    os.write(1, b'b ')\n"
        "    sys.stderr.writelines(['c ', 'd '])\n    os.write(2, b'e')\n",
        says="a b c d e",
    ),
}
CASES: dict[str, Case] = {**HANDLERS, **EVENTS, **CONTEXTS, **ANSWERS, **ERRORS, **LOG}
BEYOND_ASCII = {"an error of init in letters of Latin-1", "an import error in words of Unicode"}
"""An error of init that the client sends in Latin-1, or cannot send at all; one that answers an invocation is whole."""
