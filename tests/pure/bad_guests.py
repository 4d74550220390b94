"""Guests of the sandbox that misbehave, as a hole in a parser could make them: python -m tests.pure.bad_guests HOW."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deployer.inspection.archive import Refusal
from deployer.model.inspection import Sound
from deployer.sandbox import guest
from deployer.sandbox.jobs import Job
from deployer.sandbox.wire import Channel, Kind

_WORK = guest.work


def _memory(_job: Job, _channel: Channel) -> Refusal:
    taken = [bytes(2**24) for _ in range(32)]
    return Refusal(problems=tuple(taken[:0]))


def _processor(_job: Job, _channel: Channel) -> Refusal:
    while True:
        pass


def _clock(_job: Job, _channel: Channel) -> Refusal:
    time.sleep(20)
    return Refusal(problems=())


def _file(job: Job, _channel: Channel) -> Refusal:
    path = Path(job.name)
    try:
        path.write_bytes(bytes(2**25))
    finally:
        path.unlink()
    return Refusal(problems=())


def _recursion(_job: Job, _channel: Channel) -> Refusal:
    return _recursion(_job, _channel)


def _crash(_job: Job, _channel: Channel) -> Refusal:
    ctypes.string_at(0)
    return Refusal(problems=())


def _killed(_job: Job, _channel: Channel) -> Refusal:
    os.kill(os.getpid(), signal.SIGKILL)
    return Refusal(problems=())


def _gone(_job: Job, _channel: Channel) -> Refusal:
    os._exit(3)


def _rubbish(_job: Job, channel: Channel) -> Refusal:
    channel.send(Kind.ANSWER, b'{"problems": 1}')
    return _clock(_job, channel)


def _unknown_message(_job: Job, channel: Channel) -> Refusal:
    channel.send(200, bytes(9))  # type: ignore[arg-type] # that is the point
    return _clock(_job, channel)


def _hands_out(job: Job, channel: Channel) -> Refusal:
    channel.send(Kind.WRITE, bytes(job.most + 1))
    return _clock(job, channel)


def _out_of_range(job: Job, channel: Channel) -> Sound:
    size = len(channel.ask(Kind.READ, bytes(8) + b"\xff" * 4))
    raise LookupError(f"{size} of {job.size}")


def _lie(job: Job, channel: Channel) -> Sound:
    found = _WORK(job, channel)
    assert isinstance(found, Sound)
    return found.model_copy(update={"sha256": "0" * 64})


def _environment(_job: Job, _channel: Channel) -> Refusal:
    raise LookupError(",".join(sorted(os.environ)))


def _neighbour(_job: Job, _channel: Channel) -> Refusal:
    host, seen = Path("/proc") / str(os.getppid()), []
    for name in ("environ", "mem", "maps", "fd/0"):
        try:
            (host / name).open("rb").close()
            seen.append(name)
        except PermissionError:
            continue
    raise LookupError(f"seen: {seen}")


BAD: dict[str, Callable[[Job, Channel], Sound | Refusal]] = {
    "memory": _memory,
    "processor": _processor,
    "clock": _clock,
    "file": _file,
    "recursion": _recursion,
    "crash": _crash,
    "killed": _killed,
    "gone": _gone,
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
