"""Will it run? Told before anything is published, for the function's runtime, architecture and memory.

    probe (while the archive streams) → start (what the release becomes) → handler or program
        → native files and wheels → room (disk, cold start, the manifest against the function)

Files are parsed, never imported or run. A mismatch is a refusal; what only may go wrong is a warning.
"""

from deployer.inspection.compatibility.check import Accepted, check_compatibility, machine_problems
from deployer.inspection.compatibility.probe import Probe
from deployer.model.start import Start

__all__ = ["Accepted", "Probe", "Start", "check_compatibility", "machine_problems"]
