"""Messages between the processes of a start: JSON values, one a line, over a pipe."""

import json
import os
from typing import Any


def send(pipe: int, message: object) -> None:
    """Send a message; a pipe keeps those of up to a page whole, whoever else writes."""
    os.write(pipe, json.dumps(message, separators=(",", ":")).encode() + b"\n")


class Lines:
    """The end of a pipe that messages come out of."""

    def __init__(self, pipe: int) -> None:
        """Read from the descriptor `pipe`."""
        self.pipe = pipe
        self._rest = b""

    def read(self) -> list[Any] | None:
        """Return the messages that have arrived; None at the end."""
        data = os.read(self.pipe, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines] if data else None
