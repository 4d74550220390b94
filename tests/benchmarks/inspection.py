"""Time to inspect an archive, beside `unzip -t`: python -m tests.benchmarks.inspection ARCHIVE.zip.

Processor seconds of one process each, so that a busy machine does not count; peak memory by the kernel.
"""

import os
import subprocess
import sys
from pathlib import Path

ROUNDS = 3


def measure(command: list[str]) -> tuple[float, float]:
    """Return the processor seconds and the peak memory in MB of a command that must succeed."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Measure both, alternating, and tell the best of each."""
    archive = sys.argv[1]
    commands = {
        "unzip -t": ["unzip", "-tq", archive],
        "inspect": [sys.executable, "-m", "deployer", "inspect", archive, "--limit", str(2**50)],
    }
    print(f"{archive}: {Path(archive).stat().st_size / 1e6:.0f} MB")
    rounds = [{name: measure(command) for name, command in commands.items()} for _ in range(ROUNDS)]
    for name in commands:
        print(f"{name:10} {min(r[name][0] for r in rounds):6.2f} s, {max(r[name][1] for r in rounds):4.0f} MB")


if __name__ == "__main__":
    main()
