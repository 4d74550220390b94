"""Waiting for what comes true on its own, and for other test processes."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def until[T](look: Callable[[], T], seconds: float = 120) -> T:
    """Return the first truthy answer of `look`, called at once and then less and less often; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = 0.02
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{look} did not come true within {seconds:g} s")
        time.sleep(pause)
        pause = min(0.25, 1.25 * pause)
    return found


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make a folder, and hold it against other test processes that would fill it too."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
