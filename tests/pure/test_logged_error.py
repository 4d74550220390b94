"""The error of a failed call, as each runtime and log format writes it."""

import json

import pytest

from deployer.decisions.logged_error import TERMS, error_in, most_common

PYTHON_TEXT = (
    "[ERROR] KeyError: 'feature_store'\rTraceback (most recent call last):\r"
    '\u00a0\u00a0File "/var/task/app.py", line 3, in handler\r\u00a0\u00a0\u00a0\u00a0return event["feature_store"]'
)
PYTHON_JSON = json.dumps(
    {
        "timestamp": "2026-11-27T10:03:20Z",
        "level": "ERROR",
        "errorMessage": "'feature_store'",
        "errorType": "KeyError",
        "requestId": "c793869b-ee49-115b-a5b6-4fd21e8dedac",
        "stackTrace": ['  File "/var/task/app.py", line 3, in handler\n    return event["feature_store"]\n'],
    }
)
IN_A_LIBRARY = (
    "[ERROR] ConnectTimeout: too slow\nTraceback (most recent call last):\n"
    '  File "/var/task/orders/app.py", line 12, in handler\n    call()\n'
    '  File "/var/task/site-packages/requests/api.py", line 59, in request\n    raise ConnectTimeout\n'
    '  File "/var/lang/lib/python3.13/socket.py", line 5, in connect\n    raise\n'
)
TWO_OF_ITS_OWN = (
    "[ERROR] KeyError: 'x'\nTraceback (most recent call last):\n"
    '  File "/var/task/app.py", line 3, in handler\n    find()\n'
    '  File "/var/task/orders.py", line 9, in find\n    raise\n'
)
NODE_STACK = [
    "Error: no such order",
    "    at Client.get (file:///var/task/node_modules/client/index.mjs:3:12)",
    "    at handler (file:///var/task/index.mjs:7:9)",
    "    at Runtime.handleOnceNonStreaming (file:///var/runtime/index.mjs:1173:29)",
]
NODE_RAISED = {"errorType": "Error", "errorMessage": "no such order", "stack": NODE_STACK}
NODE_TEXT = f"2026-11-27T10:03:20.562Z\tc793869b\tERROR\tInvoke Error \t{json.dumps(NODE_RAISED)}\n"
NODE_JSON = json.dumps(
    {
        "timestamp": "2026-11-27T10:03:20.562Z",
        "level": "ERROR",
        "requestId": "c793869b",
        "message": {"errorType": "Error", "errorMessage": "no such order", "stackTrace": NODE_STACK},
    }
)
REPORT = "REPORT RequestId: c793869b\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\t"
NAMED = {
    "python, text": (PYTHON_TEXT, "KeyError: 'feature_store', app.py:3"),
    "python, JSON": (PYTHON_JSON, "KeyError: 'feature_store', app.py:3"),
    "two frames of its own": (TWO_OF_ITS_OWN, "KeyError: 'x', orders.py:9"),
    "raised in a library": (IN_A_LIBRARY, "ConnectTimeout: too slow, app.py:12"),
    "no place": ("[ERROR] Runtime.ImportModuleError: No module named 'numpy'", None),
    "node, text": (NODE_TEXT, "Error: no such order, index.mjs:7"),
    "node, JSON": (NODE_JSON, "Error: no such order, index.mjs:7"),
    "timed out, text": ("2026-11-27T10:03:23Z c793869b Task timed out after 3.00 seconds", None),
    "timed out, report": (REPORT + "Status: timeout", "timeout"),
    "timed out, JSON": ('{"type": "platform.report", "record": {"status": "timeout"}}', "the call timed out"),
    "exit, text": (
        "RequestId: c793869b Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
        "Runtime exited with error: signal: killed",
    ),
    "exit, report": (REPORT + "Status: error\tError Type: Runtime.ExitError", "Runtime.ExitError"),
    "exit, JSON": (
        '{"type": "platform.report", "record": {"status": "error", "errorType": "Runtime.ExitError"}}',
        "Runtime.ExitError",
    ),
    "not loaded": (
        '{"event": "release.not_loaded", "kind": "Forbidden", "problem": "HTTP 403"}',
        "Forbidden: HTTP 403",
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_an_error_is_named_on_one_line(case: str) -> None:
    event, error = NAMED[case]
    assert error_in(event) == (error or event.removeprefix("[ERROR] ").split("c793869b ")[-1])


@pytest.mark.parametrize("case", NAMED)
def test_what_is_asked_for_finds_every_event_that_names_an_error(case: str) -> None:
    assert any(term in NAMED[case][0] for term in TERMS)


@pytest.mark.parametrize(
    "event",
    [
        "START RequestId: c793869b Version: 7",
        "[ERROR]\t2026-11-27T10:03:20.562Z\tc793869b\tthe order was refused",
        json.dumps({"level": "ERROR", "message": "refused", "logger": "root", "errorType": "Refused"}),
        json.dumps({"level": "ERROR", "message": "ERROR"}),
        REPORT + "Max Memory Used: 73 MB",
        "the request may time out",
        '{"errorType": ',
        "[" * 100_000,
        '{"a":' * 100_000,
        "",
    ],
)
def test_what_the_application_handled_itself_is_no_error_of_a_call(event: str) -> None:
    assert error_in(event) is None


def test_an_error_is_one_short_printable_line_whatever_it_holds() -> None:
    for event in (
        f"[ERROR] ValueError: \x1b[31m{'secret' * 1_000}\r\nsecond line",
        json.dumps({"errorType": "ValueError", "errorMessage": "\x1b" + "secret" * 1_000 + "\nsecond line"}),
    ):
        error = error_in(event)
        assert error is not None
        assert error.startswith("ValueError: \\x1b")
        assert len(error) <= 160
        assert error.isprintable()
        assert "second" not in error


def test_the_error_that_most_calls_raised_is_named() -> None:
    other = "[ERROR] TypeError: a call of its own"
    assert most_common([other, PYTHON_TEXT, "START", PYTHON_TEXT]) == "KeyError: 'feature_store', app.py:3"
    assert most_common([other, PYTHON_TEXT]) == "TypeError: a call of its own"
    assert most_common(["START", "END"]) is None
