"""The host: gives a guest the archive's bytes, receives the bundle's, and returns the guest's result."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from deployer.bundle import BuildOptions, Built
from deployer.inspection.archive import HashedStream, Limits, Refusal, Source
from deployer.model.function import FunctionConfiguration
from deployer.model.inspection import Inspection, Sound
from deployer.model.problem import Problem
from deployer.sandbox import process
from deployer.sandbox.jobs import (
    BUILT,
    INSPECTED,
    UNPACKED,
    BuildJob,
    InspectJob,
    Job,
    entries_file,
    for_bundle,
    for_inspection,
)
from deployer.sandbox.wire import DONE, LARGEST, OUT_OF_MEMORY, RANGE, STORED, Channel, ClosedError, Kind, LateError

type Write = Callable[[bytes], object]

_PIECE = 256 * 1024
"""Bytes of the archive that are sent at a time."""
_REPACK = "leave out of the archive what is unusual in it; if nothing is, the deployer has a defect: report it"


class _CrashedError(Exception):
    """The guest ended with an unexpected exception."""


class Output(NamedTuple):
    """The destination of a bundle's bytes, and the earlier bundle from which some of them may be copied."""

    write: Write
    copy: Callable[[int, int, str], object] = lambda _offset, _length, _sha256: None
    """Appends bytes of the earlier bundle: offset, length and SHA-256."""
    progress: Callable[[int, int], object] = lambda _done, _total: None
    """Called with how many of how many raw bytes are done."""
    tail: bytes = b""
    """Index and recipe of the earlier bundle; empty without one."""
    index_size: int = 0


NOTHING = Output(len)
"""Of a job that makes no bundle."""


def inspect(
    source: Source, limits: Limits, function: FunctionConfiguration, tree: Path | None = None
) -> Inspection | Refusal:
    """Return what an archive is, or everything that speaks against it; unpack it into `tree` if there is room."""
    room = shutil.disk_usage(tree).free // 2 if tree else None
    return _inspected(source, limits, INSPECTED, function=function, directory=tree, room=room)


def unpack(source: Source, limits: Limits, function: FunctionConfiguration | None, directory: Path) -> Sound | Refusal:
    """Inspect and unpack in one reading; without a function, compatibility is not checked."""
    return _inspected(source, limits, UNPACKED, function=function, directory=directory)


def _inspected[T: Sound](source: Source, limits: Limits, answers: TypeAdapter[T | Refusal], **more: Any) -> T | Refusal:  # noqa: ANN401 - the job's fields
    """Inspect; compare the answer's digest with that of the bytes sent to the guest, which a signature is about."""
    job = InspectJob(name=source.name, size=source.size, limits=limits, allowance=for_inspection(limits), **more)
    found, given = _run(job, source, answers)
    if isinstance(found, Refusal) or (found.sha256, found.size) == (given.hexdigest(), given.size):
        return found
    return _refusal("an answer about other bytes than the archive's", "an answer about this archive")


def build(
    source: Source, sha256: str, limits: Limits, plan: BuildOptions, tree: Path, output: Output
) -> Built | Refusal:
    """Write the bundle of the archive with this digest, from the inspection's `tree` or unpacked again."""
    job = BuildJob(
        name=source.name,
        size=source.size,
        limits=limits,
        allowance=for_bundle(limits),
        tree=tree,
        unpacked=entries_file(tree).exists(),
        plan=plan,
        index_size=output.index_size,
    )
    found, given = _run(job, source, BUILT, output)
    if not job.unpacked and given.hexdigest() != sha256 and not isinstance(found, Refusal):
        raise RuntimeError("the archive is not the one that was inspected")
    return found


def _run[T](
    job: Job, source: Source, answers: TypeAdapter[T], output: Output = NOTHING
) -> tuple[T | Refusal, HashedStream]:
    """Have a guest do a job; return its answer, or what is wrong with how it ended, and the bytes that it was given."""
    given = HashedStream(source.stream())
    with process.started(job.allowance.seconds) as (guest, channel):
        try:
            channel.send(Kind.JOB, job.model_dump_json(by_alias=True).encode())
            return answers.validate_json(_serve(channel, job, source, given, output)), given
        except LateError:
            found, allowed = f"{job.task} took more than {job.allowance.seconds} s", "an archive that is read in time"
        except ClosedError:
            found, allowed = _how_it_ended(job, process.exit_status(guest))
        except _CrashedError as error:
            found, allowed = f"{job.task} ended with {error}", "an archive that can be read to its end"
        except ValidationError:
            found, allowed = f"{job.task} gave an answer that cannot be read", "a valid answer"
    return _refusal(found, allowed), given


def _serve(channel: Channel, job: Job, source: Source, given: HashedStream, output: Output) -> bytes:
    """Serve the guest's requests until it answers."""
    pieces, written = _small(given), 0
    while True:
        kind, data = channel.receive()
        match kind:
            case Kind.READ:
                offset, length = RANGE.unpack(data)
                channel.send(Kind.BYTES, source.read_at(offset, min(length, LARGEST)))
            case Kind.NEXT:
                channel.send(Kind.BYTES, next(pieces, b""))
            case Kind.WRITE if written + len(data) <= job.most:
                written += len(data)
                output.write(data)
            case Kind.COPY if written + STORED.unpack(data)[1] <= job.most:
                offset, length, digest = STORED.unpack(data)
                written += length
                output.copy(offset, length, digest.hex())
            case Kind.EARLIER:
                channel.send(Kind.BYTES, output.tail)
            case Kind.PROGRESS:
                output.progress(*DONE.unpack(data))
            case Kind.ANSWER:
                return data
            case Kind.CRASH:
                raise _CrashedError(data.decode(errors="backslashreplace"))
            case _:
                raise ClosedError


def _small(pieces: HashedStream) -> Iterator[memoryview]:
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(view), _PIECE):
            yield view[start : start + _PIECE]


def _how_it_ended(job: Job, status: int) -> tuple[str, str]:
    """Return what was found, and what is allowed."""
    allowance = job.allowance
    if status == OUT_OF_MEMORY:
        return f"{job.task} needed more than {allowance.memory} MB of memory", f"at most {allowance.memory} MB"
    if status == -signal.SIGXCPU:
        seconds = allowance.processor
        return f"{job.task} needed more than {seconds} s of processor time", f"at most {seconds} s"
    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    return f"{job.task} was ended by {how}, perhaps because memory ran out", "an archive that can be read to its end"


def _refusal(found: str, allowed: str) -> Refusal:
    return Refusal(problems=(Problem.of("archive", found, allowed, _REPACK),))
