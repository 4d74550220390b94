"""An execution environment: one process that speaks the Runtime API, with a /tmp of its own.

It dies with its whole process group, so nothing a function forked outlives it.
"""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.local import confinement
from tests.local.runtime_api import Invocation, Outcome, RuntimeApi

INIT_LIMIT = 10.0
"""Seconds init may take before it is cut and repeated inside the first invocation (Lambda runtime environment)."""
LAST_WORDS = 2.0
"""Seconds that a process may still live after it reported a failed init."""


@dataclass(frozen=True)
class Program:
    """The content of an environment: the command, the unpacked package, the function's variables."""

    command: tuple[str, ...]
    task_root: Path
    variables: Mapping[str, str]


class Environment:
    """A process and its Runtime API, started on demand; `directory` holds its /tmp and its output."""

    def __init__(self, program: Program, directory: Path) -> None:
        self._program = program
        self._directory = directory
        self._output = directory / "output.log"
        self._read = 0
        self._api: RuntimeApi | None = None
        self.process: subprocess.Popen[bytes] | None = None
        (directory / "tmp").mkdir(parents=True)
        self.confinement = confinement.of(directory)

    @property
    def alive(self) -> bool:
        """Return whether a process stands ready for the next event."""
        return self.process is not None and self.process.poll() is None

    def start(self, limit: float = INIT_LIMIT) -> Outcome:
        """Start the process and wait until it polls: `ready`, or how init failed. Files in /tmp stay."""
        self.stop()
        self._api = RuntimeApi()
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                self._command(),
                cwd=self._program.task_root,
                env=self._variables(self._api.address),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        threading.Thread(target=_announce_exit, args=(self.process, self._api), daemon=True).start()
        outcome = self._await(time.monotonic() + limit, f"init took longer than {limit:g} s")
        if outcome.kind != "ready":
            self._leave()  # it must not be offered an event
        return outcome

    def run(self, invocation: Invocation, limit: float) -> Outcome:
        """Run one event for at most `limit` seconds; an environment that overran is killed, as Lambda does."""
        if self._api is None:
            raise RuntimeError("the environment has not been started")
        self._api.offer(invocation)
        late = f"RequestId: {invocation.request_id} Error: Task timed out after {limit:.2f} seconds"
        outcome = self._await(time.monotonic() + limit, late)
        if outcome.kind == "exited":
            self.stop()
        return outcome

    def output(self) -> str:
        """Return the process's output since the last call. Written straight to a file, so nothing is in flight."""
        with self._output.open("rb") as output:
            output.seek(self._read)
            text = output.read()
        self._read += len(text)
        return text.decode(errors="replace").rstrip("\n")

    def log(self) -> str:
        """Return everything that was written since the environment was made, whatever `output` has returned of it."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    def stop(self) -> None:
        """Kill the process and all it forked. Two threads may do so at once: a test, and one that awaits a start."""
        process, api = self.process, self._api
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if self.confinement:
                self.confinement.thaw()
            process.wait()
        if api is not None:
            api.close()
        if self.process is process:
            self.process = self._api = None

    def _command(self) -> list[str]:
        program = self._program
        if self.confinement is None:
            return list(program.command)
        return self.confinement.command(program.command, program.task_root, program.variables)

    def _leave(self) -> None:
        """Let a runtime that has reported a failed init write its last lines, then stop what is left."""
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(LAST_WORDS)
        self.stop()

    def remove(self) -> None:
        """Stop, and forget /tmp."""
        self.stop()
        if self.confinement:
            self.confinement.remove()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _variables(self, address: str) -> dict[str, str]:
        temporary = str(self._directory / "tmp")
        own = {"TMPDIR": temporary, "AWS_LAMBDA_RUNTIME_API": address}
        return {**own, **self._program.variables}

    def _await(self, deadline: float, late: str) -> Outcome:
        if self._api is None:
            raise RuntimeError("the environment has not been started")
        try:
            return self._api.outcomes.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            self.stop()
            return Outcome("exited", fault("Sandbox.Timedout", late))


def fault(kind: str, message: str) -> bytes:
    """An error as the service itself reports it, when no runtime is left to do so."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _announce_exit(process: subprocess.Popen[bytes], api: RuntimeApi) -> None:
    code = process.wait()
    how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    api.outcomes.put(Outcome("exited", fault("Runtime.ExitError", f"Runtime exited with error: {how}")))
