"""One structured line a load, which CloudWatch also reads as metrics (the embedded metric format)."""

import json
import os
import time
from typing import Any

from .pointer import Pointer

UNITS = {"LoadTime": "Milliseconds", "LoadedBytes": "Bytes", "LoadRetries": "Count"}


def line(pointer: Pointer, phases: dict[str, float], work: list[dict[str, Any]], parts: int) -> str:
    """Give the line; `phases` are seconds since the bootstrap began, by event name."""
    total = {key: sum(one[key] for one in work) for key in ("bytes", "retries", "cpu_s")}
    return json.dumps(
        {
            "event": "release.loaded",
            "release": pointer.release,
            "release_id": pointer.id,
            "init_type": os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", ""),
            "parts": parts,
            "workers": len(work),
            "loader_cpu_s": round(total["cpu_s"], 3),
            "seconds": {name: round(value, 3) for name, value in phases.items()},
            **_metrics(phases, total),
        }
    )


def _metrics(phases: dict[str, float], total: dict[str, Any]) -> dict[str, Any]:
    """Follow "Specification: Embedded metric format" of the Amazon CloudWatch user guide."""
    return {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Dropshift",
                    "Dimensions": [["FunctionName"]],
                    "Metrics": [{"Name": name, "Unit": unit} for name, unit in UNITS.items()],
                }
            ],
        },
        "FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        "LoadTime": round(phases.get("files", 0) * 1000),
        "LoadedBytes": total["bytes"],
        "LoadRetries": total["retries"],
    }
