"""Pure: whether the release has the disk and the time that it needs.

Source: AWS Lambda developer guide, "Ephemeral storage", "SnapStart", "Lambda execution environment", "Quotas".
"""

from deployer.inspection.archive import Contents
from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate
from deployer.model.entry import DISK_BLOCK
from deployer.model.inspection import Start
from deployer.model.manifest import NAME

MB = 10**6
MIB = 2**20
SPEED = 78 * MB
"""Bytes per second: Lambda's network gives an environment 625 Mbit/s."""
INIT = 10
"""Seconds that on-demand init may take before it is cut."""
MOST = 10_240
"""The most MB of ephemeral storage."""
SNAP_START = 512
"""MB of ephemeral storage under SnapStart."""


def needed(contents: Contents, start: Start) -> int:
    """Return the MB of ephemeral storage that the release takes: whole blocks, and bytecode for Python sources."""
    total = 0
    for entry in contents.entries:
        copies = 2 if start.kind == "python" and entry.path.endswith(".py") else 1
        total += (entry.on_disk + DISK_BLOCK) * copies
    return -(-total // MIB)


def check(candidate: Candidate, contents: Contents, start: Start) -> None:
    """Compare disk, time and the manifest's resources with the limits of Lambda and of the function."""
    _check_disk(candidate, needed(contents, start))
    _check_manifest(candidate)
    _warn_of_slow_start(candidate, contents)


def _check_disk(candidate: Candidate, takes: int) -> None:
    asked = candidate.manifest.resources.ephemeral_storage
    if candidate.function.snap_start:
        has, remedy = SNAP_START, "make the release smaller, or turn SnapStart off"
    elif asked:
        has, remedy = asked, f"raise [resources] ephemeral-storage in {NAME} to {min(takes, MOST)} or more"
    else:
        has, remedy = MOST, "make the release smaller"
    if takes > has:
        where = "SnapStart" if candidate.function.snap_start else "ephemeral storage"
        candidate.refuse("archive", f"{takes} MB when unpacked", f"at most {has} MB of {where}", remedy)


def _check_manifest(candidate: Candidate) -> None:
    nested = candidate.anywhere(NAME)
    if nested and NAME not in candidate.entries:
        candidate.warn(f"{shown(nested)} is not at the root of the archive, so it is not read")
    _check_owner_limits(candidate)
    asked = candidate.manifest.resources
    if not candidate.function.snap_start:
        return
    if asked.ephemeral_storage and asked.ephemeral_storage > SNAP_START:
        _refuse_under_snap_start(
            candidate, "ephemeral-storage", f"{asked.ephemeral_storage} MB", f"at most {SNAP_START} MB"
        )
    if asked.provisioned_concurrency:
        _refuse_under_snap_start(candidate, "provisioned-concurrency", str(asked.provisioned_concurrency), "none")


def _check_owner_limits(candidate: Candidate) -> None:
    """Refuse what costs the stack's owner more than he allows."""
    asked, limits = candidate.manifest.resources, candidate.function.owner_limits
    if limits is None:
        if asked.provisioned_concurrency:
            candidate.warn(
                "a stack allows no provisioned concurrency unless its owner raised MaxProvisionedConcurrency"
            )
        return
    for field, unit, found, most in (
        ("memory", " MB", asked.memory, limits.memory),
        ("timeout", " s", asked.timeout, limits.timeout),
        ("provisioned-concurrency", "", asked.provisioned_concurrency, limits.provisioned_concurrency),
    ):
        if found and found > most:
            parameter = "Max" + field.title().replace("-", "")
            remedy = f'ask for less, or have the stack\'s owner allow it: make deploy PARAMETERS="{parameter}={found}"'
            allowed = f"at most {most}{unit} in this stack" if most else "none in this stack"
            candidate.refuse(f"{NAME}: resources.{field}", f"{found}{unit}", allowed, remedy)


def _refuse_under_snap_start(candidate: Candidate, field: str, found: str, allowed: str) -> None:
    where = f"{NAME}: resources.{field}"
    candidate.refuse(where, found, f"{allowed} under SnapStart", "remove it, or turn SnapStart off in the stack")


def _warn_of_slow_start(candidate: Candidate, contents: Contents) -> None:
    seconds = contents.size / SPEED
    if seconds > INIT and not candidate.function.snap_start:
        candidate.warn(
            f"a cold start loads {contents.size / MB:.0f} MB, about {seconds:.0f} s at {SPEED / MB:.0f} MB/s, and init"
            f" is cut at {INIT} s: the first call waits for the rest; provisioned concurrency loads beforehand"
        )
