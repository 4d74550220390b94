"""One command per call: the event is JSON on its stdin, its stdout is the answer, its stderr goes to the log."""

import json
import os
import sys
from collections.abc import Callable
from typing import IO, Any

from .runtime_client import fault

TAIL = 4096
"""Bytes of stderr that an error quotes."""
PASSED_ON = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "_X_AMZN_TRACE_ID")
"""Variables that may change from call to call."""


def handler(command: tuple[str, ...], environment: dict[str, str]) -> Callable[[Any, Any], Any]:
    """Return the function that runs `command` in the release's directory, which `environment` names."""

    def run(event: Any, context: Any) -> Any:  # noqa: ANN401 - any JSON value
        variables = environment | {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        variables["AWS_LAMBDA_REQUEST_ID"] = context.aws_request_id
        status, output, tail = _run(command, variables, json.dumps(event).encode())
        if status:
            said = tail.decode(errors="replace").strip()
            raise fault("CommandFailed", f"{' '.join(command)} ended with status {status}: {said}")
        return _answer(output)

    return run


def _run(command: tuple[str, ...], environment: dict[str, str], event: bytes) -> tuple[int, bytes, bytes]:
    """Return the exit status, the output and the end of what went to stderr."""
    from subprocess import PIPE, Popen  # noqa: PLC0415 - no other kind needs it
    from threading import Thread  # noqa: PLC0415 - as above

    try:
        process = Popen(  # noqa: S603 - the release's own command
            command, stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=environment["LAMBDA_TASK_ROOT"], env=environment
        )
    except OSError as error:
        raise fault("Command", f"cannot run {command[0]}: {error}; see command in dropshift.toml") from None
    tail = bytearray()
    logging = Thread(target=_log, args=(process.stderr, tail), daemon=True)
    logging.start()
    feeding = Thread(target=_feed, args=(process.stdin, event), daemon=True)
    feeding.start()
    output = process.stdout.read() if process.stdout else b""
    status = process.wait()
    logging.join()
    feeding.join()
    return status, output, bytes(tail)


def _log(source: IO[bytes], tail: bytearray) -> None:
    for line in source:
        sys.stderr.write(line.decode(errors="replace"))
        tail += line
        del tail[:-TAIL]


def _feed(sink: IO[bytes], event: bytes) -> None:
    """Write the event; a command need not read it."""
    try:
        with sink:
            sink.write(event)
    except BrokenPipeError:
        return


def _answer(output: bytes) -> Any:  # noqa: ANN401 - as above
    """Return the parsed JSON, or text if it does not parse, or None for an empty output."""
    text = output.decode(errors="replace")
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return text
