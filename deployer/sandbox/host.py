"""The host: starts a guest, sends it the archive's bytes, receives the bundle's, and returns the guest's result."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from deployer.bundle import BuildOptions, Built
from deployer.inspection.archive import HashedStream, Limits, Refusal, Source
from deployer.model.function import FunctionConfiguration
from deployer.model.inspection import Inspection, Sound
from deployer.model.problem import Problem
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
_LAST_WORDS = 5
"""Seconds for a guest to end after its last message."""
_ENVIRONMENT = ("LD_LIBRARY_PATH", "TMPDIR")
"""Variables that a guest gets: on Lambda, Python does not start without the first. None of them is a secret."""
_PR_SET_DUMPABLE = 4
_COMMAND = (sys.executable, "-P", "-s", "-m", "deployer.sandbox.guest")
_REPACK = "leave out of the archive what is unusual in it; if nothing is, the deployer has a defect: report it"


class NotStartedError(RuntimeError):
    """No guest started, so the archive was not read: the installation is incomplete, or the machine is full."""


class _CrashedError(Exception):
    """The guest ended with an unexpected exception."""


class Output(NamedTuple):
    """The destination of a bundle's bytes, and the earlier bundle from which some of them may be copied."""

    write: Write
    copy: Callable[[int, int, str], object] = lambda _offset, _length, _sha256: None
    """Appends bytes of the earlier bundle: offset, length and SHA-256."""
    progress: Callable[[int, int], object] = lambda _done, _total: None
    """Hears how many of how many raw bytes are done."""
    tail: bytes = b""
    """Index and recipe of the earlier bundle; empty without one."""
    index_size: int = 0


NOTHING = Output(len)
"""Of a job that makes no bundle."""


def inspect(
    source: Source, limits: Limits, function: FunctionConfiguration, tree: Path | None = None
) -> Inspection | Refusal:
    """Return what an archive is, or everything that speaks against it."""
    job = InspectJob(
        name=source.name,
        size=source.size,
        limits=limits,
        allowance=for_inspection(limits),
        function=function,
        directory=tree,
        room=shutil.disk_usage(tree).free // 2 if tree else None,
    )
    return _checked(*_run(job, source, INSPECTED))


def unpack(source: Source, limits: Limits, function: FunctionConfiguration | None, directory: Path) -> Sound | Refusal:
    """Inspect and unpack in one reading; without a function, compatibility is not checked."""
    allowed = for_inspection(limits)
    job = InspectJob(
        name=source.name, size=source.size, limits=limits, allowance=allowed, function=function, directory=directory
    )
    return _checked(*_run(job, source, UNPACKED))


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


def _checked[T: Sound](found: T | Refusal, given: HashedStream) -> T | Refusal:
    """Compare the digest in a guest's answer with that of the bytes sent to it, which a signature is about."""
    if isinstance(found, Refusal) or (found.sha256, found.size) == (given.hexdigest(), given.size):
        return found
    return _refusal("an answer about other bytes than the archive's", "an answer about this archive")


def _run[T](
    job: Job, source: Source, answers: TypeAdapter[T], output: Output = NOTHING
) -> tuple[T | Refusal, HashedStream]:
    """Have a guest do a job; return its answer, or what is wrong with how it ended, and the bytes that it was given."""
    given = HashedStream(source.stream())
    with _guest(job.allowance.seconds) as (process, channel):
        try:
            channel.send(Kind.JOB, job.model_dump_json(by_alias=True).encode())
            return answers.validate_json(_serve(channel, job, source, given, output)), given
        except LateError:
            found, allowed = (
                f"{job.task} took more than {job.allowance.seconds} s",
                "an archive that can be read in time",
            )
        except ClosedError:
            found, allowed = _how_it_ended(job, _status(process))
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


@contextmanager
def _guest(seconds: float) -> Iterator[tuple["subprocess.Popen[bytes]", Channel]]:
    """Start a guest, which never outlives its job."""
    _hide()
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                _COMMAND, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=_environment(), cwd="/"
            )
        try:
            channel = Channel(ours, seconds)
            _await_start(process, channel)
            yield process, channel
        finally:
            process.kill()
            process.wait()


def _hide() -> None:
    """Close this process's memory, environment and descriptors to guests, which run as the same user.

    Source: prctl(2), PR_SET_DUMPABLE; proc(5): what is under /proc/PID is root's then. A guest's exec undoes it there.
    """
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this process cannot be hidden from its sandbox")


def _await_start(process: "subprocess.Popen[bytes]", channel: Channel) -> None:
    try:
        channel.receive()
    except (ClosedError, LateError):
        raise NotStartedError(f"the sandbox ended with {_status(process)} before it was ready") from None


def _environment() -> dict[str, str]:
    root = Path(__file__).parents[2]
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {
        "PYTHONPATH": str(root),
        "MALLOC_ARENA_MAX": "2",  # each thread reserves 64 MB of address space, which counts against the limit
    }


def _status(process: "subprocess.Popen[bytes]") -> int:
    """Return a guest's exit status, negative for a signal; one that does not end after its answer is killed."""
    try:
        return process.wait(_LAST_WORDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


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
    return Refusal(problems=(Problem(where="archive", found=found, allowed=allowed, remedy=_REPACK),))
