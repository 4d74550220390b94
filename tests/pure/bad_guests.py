"""Guests of the sandbox that misbehave, as a hole in a parser could make them: python -m tests.pure.bad_guests HOW."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deployer.model.inspection import Sound
from deployer.sandbox import guest
from deployer.sandbox.jobs import Job
from deployer.sandbox.wire import Channel, Kind

_WORK = guest.work


def _processor(_job: Job, _channel: Channel) -> None:
    while True:
        pass


def _file(job: Job, _channel: Channel) -> None:
    path = Path(job.name)
    try:
        path.write_bytes(bytes(2**25))
    finally:
        path.unlink()


def _recursion(_job: Job, _channel: Channel) -> None:
    _recursion(_job, _channel)


def _rubbish(_job: Job, channel: Channel) -> None:
    channel.send(Kind.ANSWER, b'{"problems": 1}')
    time.sleep(20)


def _unknown_message(_job: Job, channel: Channel) -> None:
    channel.send(200, bytes(9))  # type: ignore[arg-type] # that is the point
    time.sleep(20)


def _hands_out(job: Job, channel: Channel) -> None:
    channel.send(Kind.WRITE, bytes(job.most + 1))
    time.sleep(20)


def _out_of_range(job: Job, channel: Channel) -> object:
    size = len(channel.ask(Kind.READ, bytes(8) + b"\xff" * 4))
    raise LookupError(f"{size} of {job.size}")


def _lie(job: Job, channel: Channel) -> object:
    found = _WORK(job, channel)
    assert isinstance(found, Sound)
    return found.model_copy(update={"sha256": "0" * 64})


def _environment(_job: Job, _channel: Channel) -> None:
    raise LookupError(",".join(sorted(os.environ)))


def _neighbour(_job: Job, _channel: Channel) -> None:
    host, seen = Path("/proc") / str(os.getppid()), []
    for name in ("environ", "mem", "maps", "fd/0"):
        try:
            (host / name).open("rb").close()
            seen.append(name)
        except PermissionError:
            continue
    raise LookupError(f"seen: {seen}")


BAD: dict[str, Callable[[Job, Channel], object]] = {
    "memory": lambda *_: [bytes(2**24) for _ in range(32)],
    "processor": _processor,
    "clock": lambda *_: time.sleep(20),
    "file": _file,
    "recursion": _recursion,
    "crash": lambda *_: ctypes.string_at(0),
    "killed": lambda *_: os.kill(os.getpid(), signal.SIGKILL),
    "gone": lambda *_: os._exit(3),
    "rubbish": _rubbish,
    "unknown message": _unknown_message,
    "hands out": _hands_out,
    "out of range": _out_of_range,
    "lie": _lie,
    "environment": _environment,
    "neighbour": _neighbour,
}

if __name__ == "__main__":
    guest.work = BAD[sys.argv[1]]  # type: ignore[assignment] # fewer kinds of answers
    guest.main()
