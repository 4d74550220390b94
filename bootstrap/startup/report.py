"""One structured line a load, which CloudWatch also reads as metrics (the embedded metric format)."""

import json
import os
import time
from typing import Any

from ..failures import LoadError
from ..pointer import Pointer

UNITS = {"LoadTime": "Milliseconds", "LoadedBytes": "Bytes", "LoadRetries": "Count", "LoadFailures": "Count"}


def loaded(pointer: Pointer, phases: dict[str, float], work: list[dict[str, Any]], parts: int) -> str:
    """Tell of a load; `phases` are seconds since the bootstrap began, by event name."""
    total = {key: sum(one[key] for one in work) for key in ("bytes", "retries", "cpu_s")}
    told = {
        "parts": parts,
        "workers": len(work),
        "loader_cpu_s": round(total["cpu_s"], 3),
        "seconds": {name: round(value, 3) for name, value in phases.items()},
    }
    took = round(phases.get("files", 0) * 1000)
    metrics = {"LoadTime": took, "LoadedBytes": total["bytes"], "LoadRetries": total["retries"], "LoadFailures": 0}
    return _line("release.loaded", pointer, told, metrics)


def failed(pointer: Pointer, error: LoadError) -> str:
    """Tell of a load that did not come to its end."""
    return _line("release.not_loaded", pointer, {"kind": error.kind, "problem": str(error)}, {"LoadFailures": 1})


def _line(event: str, pointer: Pointer, told: dict[str, Any], metrics: dict[str, int]) -> str:
    """Follow "Specification: Embedded metric format" of the Amazon CloudWatch user guide."""
    return json.dumps(
        {
            "event": event,
            "release": pointer.release,
            "release_id": pointer.id,
            "init_type": os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", ""),
            **told,
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
