"""The first request of a load: the index, verified, while connections for what follows are opened."""

import hashlib
import os
import time

from ..failures import Retry
from ..index import Index
from ..pointer import Pointer
from ..tree import Tree
from . import zstd
from .aws_environment import credentials, endpoint, region, workers
from .fetch import Connection
from .parts import FIRST
from .retry import Request
from .sigv4 import Signer
from .worker import CONNECTIONS


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
    request = Request(0)
    while True:
        try:
            _ask_for_index(pointer, connections, buffer)
        except OSError as error:
            connections[0].close()
            request.postpone(pointer, error)
            time.sleep(request.not_before - time.monotonic())
        else:
            return bytes(buffer)


def _ask_for_index(pointer: Pointer, connections: list[Connection], buffer: bytearray) -> None:
    """Ask for it, and connect for what follows while it is on its way, unless there is little to follow."""
    connection, *others = connections
    connection.ask(pointer.offset, pointer.size)
    for other in others if pointer.offset > FIRST else ():
        other.open()
    connection.wait(memoryview(buffer))
    if hashlib.sha256(buffer).hexdigest() != pointer.sha256:
        raise Retry("the index does not match the pinned digest")
