"""Waiting for what comes true on its own."""

import time
from collections.abc import Callable


def until[T](look: Callable[[], T], seconds: float = 20) -> T:
    """The first truthy answer of `look`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{look} did not come true within {seconds:g} s")
        time.sleep(0.05)
    return found
