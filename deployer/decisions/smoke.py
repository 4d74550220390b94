"""Pure: whether a version's answer to the smoke test lets it have traffic."""

import json
import re

from pydantic import JsonValue

from deployer.model.invocation import InvocationResult
from deployer.model.manifest import Smoke
from deployer.model.text import shortened

_CANNOT_START = ("Runtime.", "Dropshift.", "Sandbox.", "Function.", "Extension.")
"""Error types of a function that does not start, as Lambda and the bootstrap name them."""
_PYTHON_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)')
_NODE_FRAME = re.compile(r"at (?:(?P<function>[\w$.<>]+) )?\(?(?:file://)?(?P<file>/[^():]+):(?P<line>\d+):\d+\)?")
_TREE = re.compile(r'[^\s"(]*/(?:dropshift/[0-9a-f]+|task)/')
"""The folder of the release, or the task root: cut off, because the rest of the path is enough to find a line."""
_FRAMES = 20
"""Lines of a stack trace that a record keeps: the innermost."""


def traceback(result: InvocationResult) -> tuple[str, ...]:
    """Return the stack trace of an answer that is an error, innermost frame last; empty without one.

    Source: AWS Lambda developer guide, `stackTrace` of Python's errors and `trace` of Node.js's.
    """
    body = result.payload if isinstance(result.payload, dict) else {}
    python, node = body.get("stackTrace"), body.get("trace")
    lines = python if isinstance(python, list) else node[:0:-1] if isinstance(node, list) else []
    texts = [_TREE.sub("", str(line).strip(), count=1) for line in lines[-_FRAMES:]]
    return tuple(shortened(text, 300) for text in texts)


def _place(result: InvocationResult) -> str:
    """Return where an error was raised, " at app.py:3 in handler"; empty when the answer does not say."""
    body = result.payload if isinstance(result.payload, dict) else {}
    python, node = body.get("stackTrace"), body.get("trace")
    frames: list[re.Match[str] | None] = []
    if isinstance(python, list):
        frames = [_PYTHON_FRAME.search(str(line)) for line in reversed(python)]
    elif isinstance(node, list):
        frames = [_NODE_FRAME.search(str(line)) for line in node]
    found = next(filter(None, frames), None)
    if found is None:
        return ""
    function = f" in {found['function']}" if found["function"] else ""
    return shortened(f" at {_TREE.sub('', found['file'])}:{found['line']}{function}", 200)


def default_event(release: str) -> JsonValue:
    """Return the event for a manifest without one; an application may recognise it and answer."""
    return {"dropshift": {"smoke-test": release}}


def failure(result: InvocationResult, smoke: Smoke | None) -> str | None:
    """Return why a version may not have traffic; None when it may.

    With a `[smoke]` table, the answer must not be an error and must contain what is expected. Without one, the
    application cannot know the event, so an error that its own handler raises is not a reason. An error that shows that
    the application does not start is one.
    """
    if result.error and (smoke or _cannot_start(result.payload)):
        return _error(result)
    if smoke and smoke.expect is not None:
        return difference(smoke.expect, result.payload)
    return None


def _cannot_start(payload: JsonValue) -> bool:
    kind = payload.get("errorType") if isinstance(payload, dict) else None
    message = str(payload.get("errorMessage", "")) if isinstance(payload, dict) else ""
    # Runtime clients mark an error of the init phase by an empty request id: there was no request yet.
    at_init = isinstance(payload, dict) and payload.get("requestId") == ""
    return at_init or not isinstance(kind, str) or kind.startswith(_CANNOT_START) or "Task timed out" in message


def _error(result: InvocationResult) -> str:
    body = result.payload if isinstance(result.payload, dict) else {"errorMessage": str(result.payload)}
    kind, message = body.get("errorType", "an error"), body.get("errorMessage", "")
    return f"{shortened(str(kind))}: {shortened(str(message), 600)}{_place(result)}"


def _described(value: JsonValue) -> str:
    """Describe a value for a record that many may read: a text can be a secret, so only its length is shown."""
    match value:
        case str():
            return f"a text of {len(value)} characters"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)} fields"
        case _:
            return json.dumps(value)


def difference(wanted: JsonValue, found: JsonValue, where: str = "response") -> str | None:
    """Return the first difference of an answer from `wanted`; None when `wanted` is a subset of `found`.

    Lists are compared item by item, from the first.
    """
    if isinstance(wanted, dict) and isinstance(found, dict):
        pairs = ((f"{where}.{key}", value, found.get(key)) for key, value in wanted.items())
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) <= len(found):
        pairs = ((f"{where}[{place}]", *pair) for place, pair in enumerate(zip(wanted, found, strict=False)))
    elif wanted == found and type(wanted) is type(found):
        return None
    else:
        have, want = _described(found), _described(wanted)
        return f"{where} is {have}, expected {want if want != have else 'another one'}"
    return next((reason for place, want, have in pairs if (reason := difference(want, have, place))), None)
