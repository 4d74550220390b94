"""The loading process: index first, then all parts by one or two workers, then the marker.

It is forked from the runtime's process, which meanwhile imports the application; nothing imported here is seen there.
What this process learns travels over a pipe, one JSON value a line: what `_outlook` gives once, then the number of each
part in place, {"bytes", "retries", "cpu_s"} of each worker, and {"done"} or {"failed"} last.
"""

import fcntl
import gc
import hashlib
import json
import os
import time
from collections.abc import Callable
from typing import Any

from ..failures import LoadError, Retry, what
from ..index import Index
from ..pointer import Pointer
from ..tree import Tree
from . import zstd
from .aws_environment import credentials, endpoint, region, workers
from .directories import complete, late, names_on_arrival, open_root, prepare
from .disk_space import NO_ROOM, check_space, full, remove_others, remove_remains
from .fetch import Connection
from .parts import FIRST, Part, covering, plan
from .sigv4 import Signer
from .worker import ATTEMPTS, CONNECTIONS, NUMBER, Job, Worker, backoff, gave_up

type Tell = Callable[[Any], None]

PATIENT = 15
"""Where processors are few, the import goes first by this much: it waits for what it needs, and only for that.

A nice value of 15 leaves it 97 % of a processor that both want (sched(7)); with 19 the load would all but stand still
beside an application that spins on every processor.
"""


def load(pointer: Pointer, tree: Tree, lock: int, pipe: int) -> None:
    """Bring `tree` to completion, or tell why not. Runs in a process of its own and ends it."""

    def tell(message: object) -> None:
        os.write(pipe, json.dumps(message, separators=(",", ":")).encode() + b"\n")

    os.nice(PATIENT)
    gc.disable()  # much is made at once, and nothing of it goes before the process does
    try:
        _load_alone(pointer, tree, lock, tell)
        tell({"done": True})
    except BaseException as error:  # noqa: BLE001 - the other process must hear of everything; this one ends
        _tell_why(error, pointer, tree, tell)
    finally:
        os._exit(0)


def _tell_why(error: BaseException, pointer: Pointer, tree: Tree, tell: Tell) -> None:
    """Tell of a failure in the words of what it means, unless nobody listens: the runtime's process has ended."""
    if isinstance(error, BrokenPipeError):
        return
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        error = full(tree, pointer)
    if not isinstance(error, LoadError):
        error = LoadError("Loader", f"{what(pointer)}: the loader failed: {error!r}")
    tell({"failed": str(error), "kind": error.kind})


def _load_alone(pointer: Pointer, tree: Tree, lock: int, tell: Tell) -> None:
    """Return with a shared lock on a complete tree; load it while nobody else does.

    Who uses a tree holds its lock shared for as long as it lives, so nobody may wait for the exclusive one:

        A: gets it exclusively, loads                    B, C: do not; wait for the shared one
        A: is done, keeps it shared                      B, C: get it shared too, see the marker
        A: is killed instead                             B, C: get it shared, see no marker, let go and try again
    """
    while not _exclusively(lock):
        fcntl.flock(lock, fcntl.LOCK_SH)
        if tree.complete:
            return
        fcntl.flock(lock, fcntl.LOCK_UN)
        time.sleep(backoff(1))
    if not tree.complete:
        os.umask(0)
        remove_others(tree)
        if not os.path.exists(tree.journal):
            remove_remains(tree)
        check_space(tree, pointer)
        _fill(pointer, tree, tell)
    fcntl.flock(lock, fcntl.LOCK_SH)


def _exclusively(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fill(pointer: Pointer, tree: Tree, tell: Tell) -> None:
    connections = _connections(pointer)
    index = _index(pointer, tree, connections)
    parts = plan(index)
    root = open_root(tree)
    journal = os.open(tree.journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    known = _already(journal)

    def placed(number: int) -> None:
        os.write(journal, NUMBER.pack(number))
        tell(number)

    job = Job(pointer, tree, parts, names_on_arrival(index), root, _queue(len(parts), known), placed)
    team = [Worker(job, connections[n : n + CONNECTIONS]) for n in range(0, len(connections), CONNECTIONS)]
    for worker in team:
        worker.ask()  # the first parts are on their way while this makes directories and tells what it knows
    prepare(tree, index, root)
    tell(_outlook(index, parts))
    for number in known:
        tell(number)
    _share(job, team, tell)
    complete(tree, index)


def _connections(pointer: Pointer) -> list[Connection]:
    """Give the connections of all workers, the first of which asks for the index."""
    first = Connection(endpoint(pointer), Signer(credentials(pointer), region()), pointer)
    return [first, *(first.another() for _ in range(CONNECTIONS * workers(pointer.offset) - 1))]


def _outlook(index: Index, parts: list[Part]) -> dict[str, Any]:
    """Say what an import must wait for, in numbers of leading parts."""
    held = covering(parts)
    given = index.modules
    return {
        "parts": len(parts),
        "begin": held[index.begin],
        "late": [(held[frames], index.files[number].path) for frames, number in late(index)],
        "needs": {name: held[frames] for name, frames in given.needs.items()},
        "folders": {path: held[frames] for path, frames in given.folders.items()},
        "roots": given.roots,
        "names": given.names,
    }


def _index(pointer: Pointer, tree: Tree, connections: list[Connection]) -> Index:
    """Fetch the index, verify it against the pointer, keep its text for the importing process."""
    text = zstd.decompress(_verified(pointer, connections))
    with open(f"{tree.names}.new", "wb") as file:
        file.write(text)
    os.rename(f"{tree.names}.new", tree.names)
    return Index.parse(text)


def _verified(pointer: Pointer, connections: list[Connection]) -> bytes:
    """Give the compressed index once it hashes to the pin."""
    buffer = bytearray(pointer.size)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _ask_for_index(pointer, connections, buffer)
        except OSError as error:
            connections[0].close()
            if attempt == ATTEMPTS:
                raise gave_up(pointer, error) from None
            time.sleep(backoff(attempt))
        else:
            break
    return bytes(buffer)


def _ask_for_index(pointer: Pointer, connections: list[Connection], buffer: bytearray) -> None:
    """Ask for it, and connect for what follows while it is on its way, unless there is little to follow."""
    connection, *others = connections
    connection.ask(pointer.offset, pointer.size, memoryview(buffer))
    for other in others if pointer.offset > FIRST else ():
        other.open()
    connection.wait()
    if hashlib.sha256(buffer).hexdigest() != pointer.sha256:
        raise Retry("the index does not match the pinned digest")


def _queue(parts: int, known: set[int]) -> int:
    """Give a pipe that holds the numbers of the missing parts; a read takes one, whoever reads."""
    queue, feed = os.pipe()
    for number in range(parts):
        if number not in known:
            os.write(feed, NUMBER.pack(number))
    os.close(feed)
    return queue


def _share(job: Job, team: list[Worker], tell: Tell) -> None:
    """Work on the parts in this process and in others, one a worker."""
    mine, *others = team
    processes = [_fork(job, worker, tell) for worker in others]
    _run(mine, tell)
    for process in processes:
        if os.waitpid(process, 0)[1]:
            raise LoadError("Loader", f"{what(job.pointer)}: a loading process ended early; is memory short?")


def _already(journal: int) -> set[int]:
    """Give the parts that an earlier, killed load has put in place."""
    content = os.read(journal, os.fstat(journal).st_size)
    whole = len(content) - len(content) % NUMBER.size
    return {number for (number,) in NUMBER.iter_unpack(content[:whole])}


def _fork(job: Job, worker: Worker, tell: Tell) -> int:
    process = os.fork()
    if process:
        worker.leave()
        return process
    status = 1
    try:
        _run(worker, tell)
        status = 0
    except BaseException as error:  # noqa: BLE001 - as above
        _tell_why(error, job.pointer, job.tree, tell)
    finally:
        os._exit(status)


def _run(worker: Worker, tell: Tell) -> None:
    started = time.process_time()
    worker.run()
    spent = round(time.process_time() - started, 3)
    tell({"bytes": worker.bytes, "retries": worker.retries, "cpu_s": spent})
