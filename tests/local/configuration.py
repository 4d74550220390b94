"""The configuration of the child process that is the local AWS: one JSON object in one variable."""

import functools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

VARIABLE = "DROPSHIFT_LOCAL_AWS"
ACCOUNT = "123456789012"
REGION = "eu-west-1"
PORT = 4599
"""Of `make local`, so that a shell finds the next one, too."""


@dataclass(frozen=True)
class Configuration:
    """The place and the behaviour of the local AWS; `speed` 60 makes a durable wait of a minute take a second."""

    directory: Path
    socket: int
    port: int
    auth: bool = False
    speed: float = 1.0
    function_environment: dict[str, str] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The one endpoint of every service."""
        return f"http://127.0.0.1:{self.port}"

    def encode(self) -> str:
        """As `parse` reads it."""
        return TypeAdapter(Configuration).dump_json(self).decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `encode` wrote."""
        return TypeAdapter(cls).validate_json(text)


@functools.cache
def current() -> Configuration:
    """Return the configuration of this very process, a child of `LocalAws`."""
    return Configuration.parse(os.environ[VARIABLE])
