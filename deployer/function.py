"""Pure: what the deployer knows of an application's function before it releases to it."""

from typing import Literal

from deployer.values import Value

Architecture = Literal["x86_64", "arm64"]


class FunctionFacts(Value):
    """The configuration of an application's function, as GetFunctionConfiguration tells it.

    Source: AWS Lambda API reference, FunctionConfiguration.
    """

    name: str
    runtime: str
    """The runtime's identifier, for instance `python3.13` or `nodejs24.x`."""
    architecture: Architecture = "x86_64"
    memory: int = 128
    """MB."""
    timeout: int = 3
    """Seconds."""
    ephemeral_storage: int = 512
    """MB of /tmp."""
    snap_start: bool = False
