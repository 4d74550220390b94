"""Pure: the entry point of a release."""

from deployer.model.manifest import Kind
from deployer.model.value import Value


class Start(Value):
    """The entry point that a release becomes at cold start."""

    kind: Kind
    handler: str | None = None
    command: tuple[str, ...] = ()
