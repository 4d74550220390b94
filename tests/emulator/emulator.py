"""AWS's Runtime Interface Emulator, the binary in SAM CLI's wheel: its Runtime API and its states instead of ours.

https://github.com/aws/aws-lambda-runtime-interface-emulator. It starts the runtime at the first invocation, and never
cuts an init.
"""

import http.client
import json
import os
import platform
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests import pythons
from tests.applications import neutral
from tests.local.environments import Program
from tests.local.waiting import until

MACHINE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
RAPID = pythons.ROOT / ".venv-sam" / "lib" / f"python{pythons.OWN}" / "site-packages" / "samcli" / "local" / "rapid"
BINARY = RAPID / f"aws-lambda-rie-{MACHINE}"
INVOKE = "/2015-03-31/functions/function/invocations"
OWN_LINE = re.compile(r"^(START RequestId|END RequestId|REPORT RequestId|\d\d \w{3} \d{4} \d\d:\d\d:\d\d,\d+ \[)")
"""Begins a line that the emulator wrote."""
OUR_REPORT = re.compile(r'\{"event": ?"release\.loaded".*\n')
ENDED = re.compile(r"^END RequestId|Invoke DONE failed", re.MULTILINE)
STATE = re.compile(
    r"\(rapid\) (INIT START\(.*\)|INIT RTDONE\(.*\)|INVOKE START|INVOKE RTDONE\(status: \w+"
    r"|Invoke DONE failed: \S+|(?:Reset|Shutdown) initiated: \w+|.* exited: .*|First fatal error .*)"
)
PATIENCE = 30
"""Seconds for one answer."""


@dataclass
class Answers:
    """An application's answers in order, HTTP status and body, and all that it wrote."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    output: str = ""
    states: list[str] = field(default_factory=list)
    """The emulator's own lines about its states, without times."""

    def comparable(self, root: str) -> list[str]:
        """Return answers and output, without anything that differs between any two runs."""
        output = OUR_REPORT.sub("", self.output + "\n").rstrip("\n")
        return [neutral(json.dumps(self.answers), root), neutral(output, root)]


@contextmanager
def emulator(program: Program, directory: Path, timeout: int = 20) -> Iterator["Emulator"]:
    """Start the emulator; the program starts with the first event."""
    (directory / "tmp").mkdir(parents=True)
    ports = _free_ports(2)
    api, runtime = (f"127.0.0.1:{port}" for port in ports)
    command = [str(BINARY), "--runtime-interface-emulator-address", api, "--runtime-api-address", runtime]
    variables = {"TMPDIR": str(directory / "tmp"), "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout), **program.variables}
    with (directory / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [*command, *program.command],
            cwd=program.task_root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        until(lambda: _listens(ports[0]))
        yield Emulator(ports[0], directory / "output.log")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Emulator:
    """A running emulator."""

    def __init__(self, port: int, output: Path) -> None:
        self._port = port
        self._output = output

    def call(self, *events: object) -> Answers:
        """Send events, one after the other, and return all that happened."""
        found = Answers(answers=[self._invoke(event) for event in events])
        until(lambda: len(ENDED.findall(self._text())) >= len(events))
        lines = self._text().splitlines()
        found.output = "\n".join(line for line in lines if not OWN_LINE.match(line))
        found.states = [re.sub(r"runtime-\d+", "runtime", state) for state in STATE.findall(self._text())]
        return found

    def _invoke(self, event: object) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("POST", INVOKE, json.dumps(event))
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="backslashreplace")
        finally:
            connection.close()

    def _text(self) -> str:
        return self._output.read_text(errors="replace")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
