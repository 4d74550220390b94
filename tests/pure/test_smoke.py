"""Answers to the smoke test: those that let a version have traffic, and the reasons against others."""

import pytest
from pydantic import JsonValue

from deployer.decisions.smoke import default_event, difference, failure, traceback
from deployer.model.invocation import InvocationResult
from deployer.model.manifest import Smoke

DECLARED = Smoke(event={"path": "/health"})
TREE = "/tmp/dropshift/0123abcd"  # noqa: S108 - where a release lies
FRAMES: list[JsonValue] = [
    f'  File "{TREE}/orders/app.py", line 3, in handler\n    call()\n',
    '  File "/var/task/lib.py", line 9, in call\n',
]
PYTHON: dict[str, JsonValue] = {"errorType": "KeyError", "errorMessage": "'x'", "stackTrace": FRAMES}
NODE: dict[str, JsonValue] = {
    "errorType": "Error",
    "errorMessage": "no such order",
    "trace": ["Error: no such order", f"    at find (file://{TREE}/orders.mjs:7:9)", "    at /var/task/index.js:3:1"],
}


def failed(payload: JsonValue) -> InvocationResult:
    return InvocationResult(error=True, payload=payload)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (PYTHON, "KeyError: 'x' at lib.py:9 in call"),
        (NODE, "Error: no such order at orders.mjs:7 in find"),
        ({**NODE, "trace": ["Error", "    at file:///var/task/index.js:3:1"]}, "Error: no such order at index.js:3"),
        ({"errorType": "E", "errorMessage": "m"}, "E: m"),
        ({"errorType": "E", "errorMessage": "m", "stackTrace": ["no frame"]}, "E: m"),
        ({"errorType": "E", "errorMessage": "m", "stackTrace": [*FRAMES, "no frame"]}, "E: m at lib.py:9 in call"),
        (
            {
                "errorType": "E",
                "errorMessage": "m",
                "stackTrace": [f'File "/var/task/{"f" * 300}.py", line 9, in call'],
            },
            f"E: m at {'f' * 195}…",
        ),
        ({}, "an error: "),
        ("no JSON", "an error: no JSON"),
        ({"errorType": "T" * 100, "errorMessage": "m" * 700}, f"{'T' * 79}…: {'m' * 599}…"),
        ({"errorType": "E", "errorMessage": "m\n\x1b"}, "E: m\\n\\x1b"),
    ],
)
def test_an_error_is_named_with_its_place(payload: JsonValue, reason: str) -> None:
    assert failure(failed(payload), DECLARED) == reason


@pytest.mark.parametrize(
    "payload",
    [
        {"errorType": "Runtime.ImportModuleError", "errorMessage": "m"},
        {"errorType": "Dropshift.NotLoaded"},
        {"errorType": "Sandbox.Timedout"},
        {"errorType": "Function.ResponseSizeTooLarge"},
        {"errorType": "Extension.Crash"},
        {"errorType": "KeyError", "errorMessage": "m", "requestId": ""},
        {"errorType": "Timeout", "errorMessage": "2026-11-27 Task timed out after 3.00 seconds"},
        {"errorMessage": "2026-11-27 Task timed out after 3.00 seconds"},
        {"errorType": 5},
        "no JSON",
        None,
    ],
)
def test_an_application_that_does_not_start_fails_without_a_smoke_test_of_its_own(payload: JsonValue) -> None:
    assert failure(failed(payload), None) is not None


@pytest.mark.parametrize(
    "payload",
    [
        {"errorType": "KeyError", "errorMessage": "m", "requestId": "c793869b"},
        {"errorType": "MyRuntime.Error", "errorMessage": "Runtime.ImportModuleError"},
        {"errorType": "KeyError"},
    ],
)
def test_an_error_of_a_handler_that_does_not_know_the_event_is_no_reason(payload: JsonValue) -> None:
    assert failure(failed(payload), None) is None
    assert failure(failed(payload), DECLARED) is not None


def test_an_answer_is_compared_only_with_what_the_manifest_expects() -> None:
    answered = InvocationResult(error=False, payload={"ok": False})
    assert failure(answered, None) is None
    assert failure(answered, DECLARED) is None
    expecting = Smoke(event={}, expect={"ok": True})
    assert failure(answered, expecting) == "response.ok is false, expected true"
    assert failure(InvocationResult(error=False, payload={"ok": True, "more": 1}), expecting) is None


@pytest.mark.parametrize(
    ("wanted", "found", "reason"),
    [
        ({}, {"a": 1}, None),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2, 3], "c": 4}}, None),
        ({"a": 1}, {}, "response.a is null, expected 1"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "response.a.b is 2, expected 1"),
        ([1, 2], [1, 3], "response[1] is 3, expected 2"),
        ([1, 2], [1], "response is a list of 1, expected a list of 2"),
        ([], [], None),
        ([1], {"0": 1}, "response is an object of 1 fields, expected a list of 1"),
        (1, True, "response is true, expected 1"),
        (1, 1.0, "response is 1.0, expected 1"),
        ("secret", "other!", "response is a text of 6 characters, expected another one"),
        ("secret", "longer one", "response is a text of 10 characters, expected a text of 6 characters"),
        ({"a": 1, "b": 2}, {"a": 3, "b": 4}, "response.a is 3, expected 1"),
    ],
)
def test_the_first_difference_is_named_without_a_text_that_may_be_a_secret(
    wanted: JsonValue, found: JsonValue, reason: str | None
) -> None:
    assert difference(wanted, found) == reason


def test_a_stack_trace_has_the_innermost_frame_last_and_paths_within_the_release() -> None:
    assert traceback(failed(PYTHON)) == (
        'File "orders/app.py", line 3, in handler\\n    call()',
        'File "lib.py", line 9, in call',
    )
    assert traceback(failed(NODE)) == ("at index.js:3:1", "at find (orders.mjs:7:9)")
    assert traceback(failed({"errorType": "E"})) == traceback(failed("no JSON")) == ()
    many: list[JsonValue] = [f"frame {number}" for number in range(30)]
    assert traceback(failed({"stackTrace": many})) == tuple(many[-20:])
    assert traceback(failed({"stackTrace": ["x" * 400]})) == ("x" * 299 + "…",)


def test_an_application_can_recognise_the_event_of_a_smoke_test() -> None:
    assert default_event("1.4.0") == {"dropshift": {"smoke-test": "1.4.0"}}
