"""Will it run? Checked before anything is published, for the function's runtime, architecture and memory.

    probe (while the archive streams) → entry point → handler or program → distributions, bytecode, native code
        → resources (disk, time, the manifest against the function) → the function itself

Files are parsed, never imported or run. A release that certainly cannot run is refused. A possible problem is a
warning, and the smoke test decides.
"""

from deployer.inspection.compatibility.check import Accepted, check_compatibility, machine_problems
from deployer.inspection.compatibility.probe import Probe
from deployer.model.inspection import Start

__all__ = ["Accepted", "Probe", "Start", "check_compatibility", "machine_problems"]
