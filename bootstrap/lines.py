"""Messages between the processes of a start: JSON values, one a line, over a pipe."""

import json
import os
from typing import Any

encode = json.JSONEncoder(separators=(",", ":")).encode
"""Bound before the application is imported, like `decode`: it may replace json's own functions and classes."""
decode = json.JSONDecoder().decode


def send(pipe: int, message: object) -> None:
    """Send a message; a pipe keeps those of up to a page whole, whoever else writes."""
    os.write(pipe, encode(message).encode() + b"\n")


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
        return [decode(line.decode()) for line in lines] if data else None
