"""The first request of a load: the index, verified, while connections for what follows are opened."""

import hashlib
import os
import time

from ..failures import Retry, SlowDown
from ..index import Index
from ..pointer import Pointer
from ..tree import Tree
from . import zstd
from .aws_environment import credentials, endpoint, region, workers
from .fetch import Connection
from .parts import FIRST
from .sigv4 import Signer
from .worker import ATTEMPTS, CONNECTIONS, backoff, gave_up, pause


def connect(pointer: Pointer) -> list[Connection]:
    """Return the connections of all workers, the first of which asks for the index."""
    first = Connection(endpoint(pointer), Signer(credentials(pointer), region()), pointer)
    return [first, *(first.clone() for _ in range(CONNECTIONS * workers(pointer.offset) - 1))]


def fetch(pointer: Pointer, tree: Tree, connections: list[Connection]) -> tuple[bytes, Index]:
    """Fetch the index, verify it against the pointer, keep its text for the access profile; return both its forms."""
    content = _verified(pointer, connections)
    text = zstd.decompress(content)
    with open(f"{tree.index_file}.new", "wb") as file:
        file.write(text)
    os.rename(f"{tree.index_file}.new", tree.index_file)
    return content, Index.parse(text)


def _verified(pointer: Pointer, connections: list[Connection]) -> bytes:
    """Return the compressed index once it hashes to the pin."""
    buffer = bytearray(pointer.size)
    attempts, slowed = 0, 0
    while True:
        try:
            _ask_for_index(pointer, connections, buffer)
        except SlowDown:
            connections[0].close()
            slowed += 1
            time.sleep(pause(slowed))
        except OSError as error:
            connections[0].close()
            attempts += 1
            if attempts == ATTEMPTS:
                raise gave_up(pointer, error) from None
            time.sleep(backoff(attempts))
        else:
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
