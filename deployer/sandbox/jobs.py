"""Pure: a guest's jobs, their limits, and their answers."""

import os
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, TypeAdapter

from deployer.bundle import BuildOptions, Built
from deployer.inspection.archive import Limits, Refusal
from deployer.model.entry import Entry
from deployer.model.function import FunctionConfiguration
from deployer.model.inspection import Inspection, Sound
from deployer.model.value import Value

_INSPECTION = 640
"""MB for an inspection, the same wherever it is made: the controller has 1,024."""
_HOST = 384
"""MB that the host needs itself, for parts of the archive and of the bundle."""
_ELSEWHERE = 2_048
"""Memory in MB for a bundle outside Lambda, where no function's memory applies."""
_SPOOL = 2**30
"""Bytes of one file that an inspection may write, for the sources that it keeps."""


class Allowance(Value):
    """Limits of a guest, after which the archive is refused."""

    memory: int
    """MB of address space: code, threads and all."""
    processor: int
    """Seconds of processor time, of all threads together."""
    seconds: int
    """Seconds by the clock, the wait for the archive's bytes included."""
    file: int
    """Bytes of one file that it writes."""


def for_inspection(limits: Limits) -> Allowance:
    """Return the limits of an inspection: 1 GB takes 20 s of a processor."""
    return Allowance(memory=_INSPECTION, processor=480, seconds=600, file=max(_SPOOL, limits.unpacked))


def for_bundle(limits: Limits) -> Allowance:
    """Return the limits of a bundle: nearly all of the memory that the function has, and most of its 900 seconds."""
    function = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", _HOST + _ELSEWHERE))
    threads = os.cpu_count() or 1
    return Allowance(memory=function - _HOST, processor=840 * threads, seconds=840, file=limits.unpacked)


class _Work(Value):
    """The input of every guest."""

    name: str
    """The archive's."""
    size: int
    """Bytes of the archive."""
    limits: Limits
    allowance: Allowance
    task: ClassVar[str]
    """The work of the guest, in words for a sentence."""

    @property
    def most(self) -> int:
        """Return the most bytes that it may send in addition to its answer."""
        return 0


def entries_file(tree: Path) -> Path:
    """Return the file in which one guest lists what it unpacked, for the guest that makes the bundle of it."""
    return tree.with_name(f"{tree.name}.entries")


class InspectJob(_Work):
    """Inspect an archive, and unpack it into a directory if one is named."""

    kind: Literal["inspect"] = "inspect"
    function: FunctionConfiguration | None
    """Without one, compatibility is not checked."""
    directory: Path | None = None
    room: int | None = None
    """Bytes that may be unpacked for the bundle to come; None where the directory has to be filled."""
    task: ClassVar = "inspection"


class BuildJob(_Work):
    """Unpack an archive into an empty directory, and make the bundle."""

    kind: Literal["build"] = "build"
    tree: Path
    unpacked: bool = False
    """The inspection has unpacked the archive into `tree` already."""
    plan: BuildOptions
    index_size: int = 0
    """Bytes of the earlier bundle's index; 0 without an earlier bundle."""
    task: ClassVar = "bundling"

    @property
    def most(self) -> int:
        """Return the bytes that the bundle may have: the release's bytes, bytecode and index."""
        return 4 * self.limits.unpacked


ENTRIES: TypeAdapter[tuple[Entry, ...]] = TypeAdapter(tuple[Entry, ...])
type Job = InspectJob | BuildJob
JOB: TypeAdapter[Job] = TypeAdapter(Annotated[InspectJob | BuildJob, Field(discriminator="kind")])
INSPECTED: TypeAdapter[Inspection | Refusal] = TypeAdapter(Inspection | Refusal)
UNPACKED: TypeAdapter[Sound | Refusal] = TypeAdapter(Inspection | Sound | Refusal)
BUILT: TypeAdapter[Built | Refusal] = TypeAdapter(Built | Refusal)
