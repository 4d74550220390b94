"""Pure: events of an application's log in, the error of its failed calls out, on one line.

It reads both log formats, text and JSON. Sources: Lambda developer guide, "Log and monitor Python Lambda
functions" and "… Node.js …"; awslambdaric's `log_error`; Telemetry API reference, platform.report.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

from deployer.model.text import shortened

TERMS = ("ERROR", "errorType", "timeout", "timed out", "Runtime exited", "Error Type", "release.not_loaded")
"""An event that names the error of a failed call holds one of these words or phrases."""
_LONGEST = 160
"""Characters of an error that a reason repeats, because a message may contain a caller's data."""
_PYTHON = re.compile(r"\[ERROR\] (?P<error>[^\r\n]+)")
_NODE = re.compile(
    r"\tERROR\t(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection)\s*(?P<json>\{.*)", re.DOTALL
)
_PLATFORM = re.compile(
    r"Task timed out after [\d.]+ seconds|Runtime exited with error: [^\r\n]+"
    r"|(?<=\tError Type: )[\w.]+|(?<=\tStatus: )timeout"
)
_PYTHON_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')
_NODE_FRAME = re.compile(r"(?:\(|at )(?:file://)?(?P<file>/[^\s:()]+):(?P<line>\d+):\d+")
_NOT_ITS_OWN = re.compile(r"/(?:site-packages|node_modules|var/lang|var/runtime|opt|bootstrap)/|^<")


def most_common(events: Iterable[str]) -> str | None:
    """Return the error that most events name, the first of them if several are as common; None if none does."""
    named = Counter(error for event in events if (error := error_in(event)))
    return max(named, key=named.__getitem__, default=None)


def error_in(event: str) -> str | None:
    """Return the error of a failed call that a log event names; None for an error that the application handled."""
    if event.startswith("{"):
        return _in_json(event)
    if found := _NODE.search(event):
        return _in_json(found["json"])
    if found := _PYTHON.match(event):
        return _with_place(found["error"], event)
    found = _PLATFORM.search(event)
    return found[0] if found else None


def _in_json(text: str) -> str | None:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _of_event(event) if isinstance(event, dict) else None


def _of_event(event: dict[str, Any]) -> str | None:
    match event:
        case {"event": "release.not_loaded", "kind": kind, "problem": problem}:
            return shortened(f"{kind}: {problem}", _LONGEST)
        case {"record": {"status": "timeout"}}:
            return "the call timed out"
        case {"record": {"errorType": str(kind)}}:
            return shortened(kind, _LONGEST)
        case {"logger": _}:
            return None
        case {"message": {"errorType": _} as raised} | ({"errorType": _} as raised):
            return _raised(raised)
    return None


def _raised(error: dict[str, Any]) -> str:
    message = str(error.get("errorMessage") or "").splitlines()
    name = ": ".join([str(error["errorType"]), *message[:1]])
    trace = error.get("stackTrace") or error.get("stack") or ()
    return _with_place(name, "\n".join(map(str, trace)) if isinstance(trace, Sequence) else "")


def _with_place(error: str, trace: str) -> str:
    """Add the file and line where the application's own code raised an error, or called what raised it."""
    python = [found for found in _PYTHON_FRAME.finditer(trace) if not _NOT_ITS_OWN.search(found["file"])]
    node = [found for found in _NODE_FRAME.finditer(trace) if not _NOT_ITS_OWN.search(found["file"])]
    innermost = [*python[-1:], *node[:1]]
    places = [f"{PurePath(found['file']).name}:{found['line']}" for found in innermost]
    return ", ".join([shortened(error.strip(), _LONGEST), *places[:1]])
