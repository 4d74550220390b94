"""A command a call: the event as JSON on its stdin, its stdout is the answer, its stderr goes to the log."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from .runtime import fault

TAIL = 4096
"""Bytes of stderr that an error quotes."""


def handler(command: tuple[str, ...], environment: dict[str, str]) -> Callable[[Any, Any], Any]:
    """Give the function that runs `command` in the release's directory, which `environment` names."""
    import subprocess  # noqa: PLC0415 - no other kind needs it

    root = environment["LAMBDA_TASK_ROOT"]

    def run(event: Any, context: Any) -> Any:  # noqa: ANN401 - whatever JSON can say
        told = environment | {
            "AWS_LAMBDA_REQUEST_ID": context.aws_request_id,
            "DROPSHIFT_DEADLINE_MS": str(int(context.get_remaining_time_in_millis())),
        }
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "_X_AMZN_TRACE_ID"):
            if name in os.environ:
                told[name] = os.environ[name]
        done = subprocess.run(  # noqa: S603 - the release's own command
            command, input=json.dumps(event).encode(), capture_output=True, cwd=root, env=told, check=False
        )
        sys.stderr.write(done.stderr.decode(errors="replace"))
        if done.returncode:
            tail = done.stderr[-TAIL:].decode(errors="replace").strip()
            raise fault("CommandFailed", f"{command[0]} ended with status {done.returncode}: {tail}")
        return _answer(done.stdout)

    return run


def _answer(output: bytes) -> Any:  # noqa: ANN401 - as above
    """Give JSON if it parses, otherwise text; nothing for nothing."""
    text = output.decode(errors="replace")
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return text
