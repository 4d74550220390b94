"""Reads hostile bytes in a child process, without credentials, and with limits on time, memory and output.

    host: this process, which has credentials        guest: parses, unpacks, compiles, compresses
      job: which archive, what to do with it     ───►
                                                 ◄───  bytes of the archive, please; and the next ones
      reads them from S3 or a file               ───►
                                                 ◄───  bytes of the bundle
      writes them                                ◄───  the answer, which is parsed as any input is

The archive is refused, with a reason, if its guest exceeds a limit: memory, processor time, wall time, size of a file.
It is refused if the guest crashes, is killed, or sends an answer that cannot be read. Only a guest that does not start
is an error of ours.
"""

from deployer.bundle import BuildOptions, Built
from deployer.inspection.archive import Limits, Refusal
from deployer.sandbox.host import Output, build, inspect, unpack
from deployer.sandbox.workspace import keep, workspace

__all__ = ["BuildOptions", "Built", "Limits", "Output", "Refusal", "build", "inspect", "keep", "unpack", "workspace"]
