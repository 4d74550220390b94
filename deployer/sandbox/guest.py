"""The guest: `python -m deployer.sandbox.guest`, its socket on standard input. Only it parses hostile bytes."""

import os
import resource
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from deployer import bundle
from deployer.bundle import Built, Earlier, Reuse, Stored
from deployer.inspection import archive
from deployer.inspection.archive import Refusal
from deployer.inspection.inspect import inspect_archive, unpack_archive
from deployer.model.entry import Entry
from deployer.model.inspection import Sound
from deployer.sandbox.jobs import ENTRIES, JOB, Allowance, BuildJob, InspectJob, Job, entries_file
from deployer.sandbox.wire import DONE, LARGEST, OUT_OF_MEMORY, RANGE, STORED, Channel, Kind

_CRASHED = 1
_GRACE = 5
"""Seconds of processor time between SIGXCPU, by which the host knows the cause, and SIGKILL."""
_SHOWN = 500
"""Characters of an exception's text."""


def main() -> None:
    """Do one job. Standard error is open only until the job is known, when it can only be about our own start."""
    channel = Channel(socket.socket(fileno=os.dup(sys.stdin.fileno())))
    channel.send(Kind.READY)
    job = JOB.validate_json(channel.receive()[1])
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    sys.excepthook = _crash_on(channel)
    confine(job.allowance)
    channel.send(Kind.ANSWER, work(job, channel).model_dump_json(by_alias=True).encode())


def confine(allowance: Allowance) -> None:
    """Limit this process to its allowance; limits that the host itself was given may be lower."""
    _limit(resource.RLIMIT_CPU, allowance.processor, _GRACE)
    _limit(resource.RLIMIT_FSIZE, allowance.file)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":  # elsewhere it bounds something else, or nothing
        _limit(resource.RLIMIT_AS, allowance.memory << 20)


def _limit(which: int, wanted: int, grace: int = 0) -> None:
    hard = resource.getrlimit(which)[1]
    limit, last = (one if hard == resource.RLIM_INFINITY else min(one, hard) for one in (wanted, wanted + grace))
    resource.setrlimit(which, (limit, last))


def work(job: Job, channel: Channel) -> Sound | Built | Refusal:
    """Do what the host asks for."""
    source = _Piped(job, channel)
    if isinstance(job, BuildJob):
        return _build(job, source, channel)
    return _inspect(job, source)


def _inspect(job: InspectJob, source: "_Piped") -> Sound | Refusal:
    if job.directory is None:
        if job.function is None:
            raise ValueError("neither a function to inspect for nor a directory to unpack into")
        return inspect_archive(source, job.limits, job.function)
    found, entries = unpack_archive(source, job.limits, job.function, job.directory, job.room)
    if entries is not None and job.room is not None:
        entries_file(job.directory).write_bytes(ENTRIES.dump_json(entries, exclude_defaults=True))
    return found


def _build(job: BuildJob, source: "_Piped", channel: Channel) -> Built | Refusal:
    entries = _unpacked(job, source)
    if isinstance(entries, Refusal):
        return entries

    def write(data: bytes) -> None:
        for start in range(0, len(data), LARGEST):
            channel.send(Kind.WRITE, memoryview(data)[start : start + LARGEST])

    def copy(frame: Stored) -> None:
        channel.send(Kind.COPY, STORED.pack(frame.offset, frame.length, bytes.fromhex(frame.sha256)))

    def progress(done: int, total: int) -> None:
        channel.send(Kind.PROGRESS, DONE.pack(done, total))

    tail = channel.ask(Kind.EARLIER) if job.index_size else b""
    earlier = Earlier.parse(tail, job.index_size) if tail else None
    reuse = Reuse(earlier, copy) if earlier else None
    return bundle.build(job.tree, entries, write, job.plan, reuse, progress)


def _unpacked(job: BuildJob, source: "_Piped") -> tuple[Entry, ...] | Refusal:
    """Return what is in the tree, which an inspection may have filled already."""
    if job.unpacked:
        return ENTRIES.validate_json(entries_file(job.tree).read_bytes())
    contents = archive.unpack(source, job.tree, job.limits)
    return contents if isinstance(contents, Refusal) else contents.entries


class _Piped:
    """The archive, whose bytes the host reads."""

    def __init__(self, job: Job, channel: Channel) -> None:
        self.name, self.size = job.name, job.size
        self._channel = channel

    def read_at(self, offset: int, length: int) -> bytes:
        """Read a range."""
        return self._channel.ask(Kind.READ, RANGE.pack(offset, length))

    def stream(self) -> Iterator[bytes]:
        """Read everything in order."""
        while piece := self._channel.ask(Kind.NEXT):
            yield piece


type _Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]


def _crash_on(channel: Channel) -> _Hook:
    """Return a hook for unexpected exceptions: the host turns them into a refusal."""

    def crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, MemoryError):
            os._exit(OUT_OF_MEMORY)
        at = traceback.extract_tb(trace)[-1]
        place = f"{at.name}, line {at.lineno} of {Path(at.filename).name}"
        text = f"{kind.__name__} in {place}: {str(error)[:_SHOWN]}"
        channel.send(Kind.CRASH, text.encode(errors="backslashreplace"))
        os._exit(_CRASHED)

    return crash


if __name__ == "__main__":
    main()
