"""Pure: the result of the inspection of an accepted archive."""

from typing import Literal

from deployer.model.manifest import Kind, Manifest
from deployer.model.problem import Warnings
from deployer.model.value import Value

Format = Literal["zip", "tar", "tar.gz", "tar.zst"]


class Start(Value):
    """The entry point that a release becomes at cold start."""

    kind: Kind
    handler: str | None = None
    command: tuple[str, ...] = ()


class Sound(Value):
    """An archive that can be unpacked; its content is not judged yet."""

    sha256: str
    size: int
    """Bytes of the archive."""
    unpacked: int
    """Bytes of all files."""
    files: int
    format: Format


class Inspection(Sound):
    """An accepted archive: sound, and able to run in its function."""

    manifest: Manifest
    start: Start
    storage: int
    """MB of ephemeral storage that the unpacked release takes."""
    warnings: Warnings = ()
