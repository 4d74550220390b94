"""A guest of the sandbox as a thread: the same messages, without a process to start and without its limits."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from deployer.sandbox import guest
from deployer.sandbox.jobs import JOB
from deployer.sandbox.wire import Channel, ClosedError, Kind


class _Guest(Thread):
    """Stands for the process; what it raises, the host's thread raises in the end."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(daemon=True)
        self._end = end
        self.error: Exception | None = None

    def run(self) -> None:
        channel = Channel(self._end)
        try:
            answer = guest.work(JOB.validate_json(channel.receive()[1]), channel)
            channel.send(Kind.ANSWER, answer.model_dump_json(by_alias=True).encode())
        except ClosedError:
            pass  # the host has given up
        except Exception as error:  # noqa: BLE001 - raised again by the other thread
            self.error = error
        finally:
            self._end.close()

    def wait(self, timeout: float | None = None) -> int:
        self.join(timeout)
        return 0


@contextmanager
def guest_thread(seconds: float) -> Iterator[tuple[_Guest, Channel]]:
    """Do what `process.started` does."""
    ours, theirs = socket.socketpair()
    thread = _Guest(theirs)
    thread.start()
    try:
        yield thread, Channel(ours, seconds)
    finally:
        ours.close()
        thread.wait()
        if thread.error:
            raise thread.error
