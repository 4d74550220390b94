"""One structured line for each load, which CloudWatch also reads as metrics (the embedded metric format)."""

import json
import os
import time
from typing import Any

from .failures import LoadError
from .pointer import Pointer

_encode = json.JSONEncoder().encode
"""Bound before the application is imported, which may replace json's own functions."""
UNITS = {
    "LoadTime": "Milliseconds",
    "LoadAfterReady": "Milliseconds",
    "LoadedBytes": "Bytes",
    "LoadRetries": "Count",
    "LoadFailures": "Count",
    "LoadKills": "Count",
}


def loaded(pointer: Pointer, phases: dict[str, float], work: list[dict[str, Any]], facts: dict[str, int]) -> str:
    """Report a load; `phases` are seconds since the bootstrap began, by event name.

    LoadAfterReady is how long the load continued after the first call could be answered, in milliseconds.
    """
    total = {key: sum(one[key] for one in work) for key in ("bytes", "retries", "cpu_s")}
    fields = {
        **facts,
        "workers": len(work),
        "loader_cpu_s": round(total["cpu_s"], 3),
        "seconds": {name: round(value, 3) for name, value in phases.items()},
    }
    files = phases["files"]
    metrics = {
        "LoadTime": round(files * 1000),
        "LoadAfterReady": round(max(0.0, files - phases.get("import", files)) * 1000),
        "LoadedBytes": total["bytes"],
        "LoadRetries": total["retries"],
        "LoadFailures": 0,
        "LoadKills": 0,
    }
    return _line("release.loaded", pointer, fields, metrics)


def failed(pointer: Pointer, error: LoadError) -> str:
    """Report a load that failed."""
    return _line("release.not_loaded", pointer, {"kind": error.kind, "problem": str(error)}, {"LoadFailures": 1})


def slowed(pointer: Pointer) -> str:
    """Report that S3 is too busy for a load, which waits; the load's own line has how often."""
    remedy = "see docs/performance.md about many cold starts at once"
    return _encode({"event": "release.slowed", "release": pointer.release, "release_id": pointer.id, "remedy": remedy})


def changed(pointer: Pointer, what: str) -> str:
    """Report that a process found the release changed since it was verified, and loads it again."""
    fields = {"problem": f"{what} was changed since it was verified; the release is loaded again"}
    return _encode({"event": "release.changed", "release": pointer.release, "release_id": pointer.id, **fields})


def killed(pointer: Pointer, reason: str) -> str:
    """Report that the application was killed because it may have read bytes that had not arrived."""
    remedy = "the next call starts a fresh process, which goes on with what is in place"
    metrics = {"LoadFailures": 1, "LoadKills": 1}
    return _line("release.killed", pointer, {"kind": "Killed", "problem": f"{reason}; {remedy}"}, metrics)


def say(line: str) -> None:
    """Write a line to the log, even if the application has replaced `sys.stdout`."""
    os.write(1, line.encode() + b"\n")


def _line(event: str, pointer: Pointer, fields: dict[str, Any], metrics: dict[str, int]) -> str:
    """Follow "Specification: Embedded metric format" of the Amazon CloudWatch user guide."""
    return _encode(
        {
            "event": event,
            "release": pointer.release,
            "release_id": pointer.id,
            "init_type": os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", ""),
            **fields,
            "_aws": {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Dropshift",
                        "Dimensions": [["FunctionName"]],
                        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in metrics],
                    }
                ],
            },
            "FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            **metrics,
        }
    )
