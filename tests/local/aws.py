"""The local AWS as its user sees it: start it, ask it for clients, look at what it did, stop it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

import boto3
from botocore.config import Config

from deployer.cli.clock import SPEED
from tests.local import calls
from tests.local.calls import Call
from tests.local.configuration import ACCOUNT, REGION, VARIABLE, Configuration
from tests.local.deploy import Deployer

ROOT = Path(__file__).resolve().parents[2]
_STOP = 10.0


class LocalAwsError(RuntimeError):
    """The local AWS did not start; the message ends with its output."""


class PortTakenError(RuntimeError):
    """Something else listens on the port that was asked for."""


class LocalAws:
    """A local AWS, from `with` to the end of the block.

    `auth` enforces the IAM policies of function roles. `speed` makes durable waits shorter: at 60 a minute takes a
    second. `port` is that of its endpoint, 0 for any. `function_environment` is added to every function's variables.
    """

    def __init__(
        self,
        *,
        auth: bool = False,
        speed: float = 1.0,
        port: int = 0,
        function_environment: Mapping[str, str] | None = None,
    ) -> None:
        self._auth = auth
        self._speed = speed
        self._port = port
        self._function_environment = dict(function_environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix="local-aws-"))
        with self._listening() as listener:
            self._configuration = self._configure(listener)
            self._process = self._spawn(listener)
        self._await_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """The one endpoint of every service, for AWS_ENDPOINT_URL."""
        return self._configuration.endpoint

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which any AWS tool finds the local AWS."""
        return variables(self._configuration.port, self._speed)

    @property
    def log(self) -> Path:
        """The emulator's own log, with the functions' output."""
        return self.directory / "server.log"

    def client(self, service: str) -> Any:  # noqa: ANN401 - one client class a service
        """Return a boto3 client of the local AWS; clients are shared and safe to use from threads."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,  # type: ignore[call-overload] # any of them
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="local",  # noqa: S106 - the local AWS knows no secrets
                config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, read_timeout=900),
            )
        return self._clients[service]

    def deploy(
        self, stack: str, parameters: Mapping[str, str] | None = None, template: Path = ROOT / "template.yaml"
    ) -> dict[str, str]:
        """Build, upload and create (or update) `stack` from `template`; its outputs."""
        deployer = Deployer(self.client("cloudformation"), self.client("s3"))
        return deployer.deploy(stack, template, parameters or {})

    def dropshift(self, parameters: Mapping[str, str] | None = None, runtime: str = "python3.13") -> dict[str, str]:
        """Deploy Dropshift and the application hello, as `make deploy`; the outputs of both stacks."""
        deployed = self.deploy("dropshift", parameters)
        return {**self.application("hello", {**(parameters or {}), "Runtime": runtime}), **deployed}

    def application(self, name: str, parameters: Mapping[str, str] | None = None) -> dict[str, str]:
        """Deploy an application in a stack of its own, as `make application`; its outputs."""
        given = {**(parameters or {}), "Deployer": "dropshift", "Application": name}
        return self.deploy(f"dropshift-app-{name}", given, ROOT / "deployer" / "application.yaml")

    def calls(self) -> list[Call]:
        """Return every AWS call received so far."""
        return list(calls.read(self.directory))

    def logs(self, function: str) -> list[str]:
        """Return the output of `function` so far, with the lines Lambda puts around every invocation."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
        return [event["message"] for page in pages for event in page["events"]]

    def kill(self, function: str) -> None:
        """Kill the processes of `function` at once, as when its sandboxes die."""
        with urlopen(f"{self.endpoint}/_local/kill/{function}"):  # noqa: S310 - http to ourselves
            pass

    def stop(self) -> None:
        """Stop every process that was started, and forget what was stored."""
        if self._process is not None:
            self._end(self._process)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _listening(self) -> socket.socket:
        try:
            return socket.create_server(("127.0.0.1", self._port))
        except OSError as error:
            shutil.rmtree(self.directory)
            raise PortTakenError(f"port {self._port} is in use: {error.strerror}") from error

    def _configure(self, listener: socket.socket) -> Configuration:
        return Configuration(
            directory=self.directory,
            socket=listener.fileno(),
            port=listener.getsockname()[1],
            auth=self._auth,
            speed=self._speed,
            function_environment=self._function_environment,
        )

    def _spawn(self, listener: socket.socket) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.local.server"],
                cwd=ROOT,
                env=_server_environment(self._configuration) | self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )

    def _await_ready(self) -> None:
        if self._process is None or self._process.stdout is None:
            raise LocalAwsError("the local AWS was not started")
        if self._process.stdout.readline() != b"ready\n":
            said = self.log.read_text()[-4000:]
            self.stop()
            raise LocalAwsError(f"the local AWS did not start:\n{said}")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Close its input first: the server ends every function's process. Then kill the rest of its session."""
        if process.stdin is not None:
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None


def variables(port: int, speed: float) -> dict[str, str]:
    """Return the variables by which tools find a local AWS, and the command line its speed."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        SPEED: f"{speed:g}",
    }


def _server_environment(configuration: Configuration) -> dict[str, str]:
    return os.environ | {
        VARIABLE: configuration.encode(),
        "AUTH": str(configuration.auth).lower(),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(configuration.port),
        "LOG_LEVEL": "INFO",
        "AWS_SESSION_TOKEN": "durable-runner",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(configuration.directory),
    }
