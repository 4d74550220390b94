"""The local AWS: an emulator that behaves like AWS wherever Dropshift looks, for tests, demos and trying things out.

ministack runs in a child process with a set of small guarded patches (`tests.local.patches`), Python functions
under AWS's own runtime client, and durable executions on AWS's own local runner.
"""

from tests.local.aws import LocalAws, LocalAwsError

__all__ = ["LocalAws", "LocalAwsError"]
