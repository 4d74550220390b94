"""Pure: what one cold start cost."""

from typing import NamedTuple


class Cost(NamedTuple):
    """Seconds from the start of the process, CPU seconds of it and its children, MB, and bytes received."""

    imported_s: float
    """The application's module is imported."""
    ready_s: float
    """The first call is answered; it waits from the start."""
    files_s: float
    """Every file is in place."""
    touch_s: float
    """The wait of a process that reads a cold file right after the first answer."""
    cpu_s: float
    peak_mb: float = 0
    loader_mb: float = 0
    """Of all processes but the runtime's."""
    disk_mb: float = 0
    wire_bytes: int = 0
