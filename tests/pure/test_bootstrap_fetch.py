"""However the bytes of an answer arrive, each frame is taken whole and in order."""

import socket
from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from bootstrap.loader.fetch import Connection, Endpoint
from bootstrap.loader.sigv4 import Credentials, Signer, Target
from tests.pure.values import POINTER

FRAMES = st.lists(st.binary(min_size=1, max_size=9_000), min_size=1, max_size=6)


@settings(deadline=None)
@given(st.lists(FRAMES, min_size=1, max_size=3), st.lists(st.integers(1, 6_000), min_size=1))
def test_frames_are_taken_whole_and_in_order(answers: list[list[bytes]], pieces: list[int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        endpoint = Endpoint(host, port, None, Target("bucket.example", "/key", ()))
        connection = Connection(endpoint, Signer(Credentials("K", "s", ""), "eu-central-1"), POINTER)
        connection.open()
        with server.accept()[0] as theirs:
            for frames in answers:  # over one connection, which is kept
                assert _taken(connection, theirs, frames, pieces) == frames
        connection.close()


def _taken(connection: Connection, theirs: socket.socket, frames: list[bytes], pieces: list[int]) -> list[bytes]:
    size = sum(map(len, frames))
    connection.ask(7, size)
    assert f"range: bytes=7-{6 + size}" in theirs.recv(1 << 16).decode().lower()
    head = f"HTTP/1.1 206 Partial Content\r\nContent-Length: {size}\r\nContent-Range: bytes 7-{6 + size}/99\r\n\r\n"
    answer = memoryview(head.encode() + b"".join(frames))
    taken = [bytearray(len(frame)) for frame in frames]
    full = 0
    for length in cycle(pieces):
        theirs.sendall(answer[:length])
        answer = answer[length:]
        while full < len(frames) and connection.fill(memoryview(taken[full])):
            full += 1
        if not answer:
            break
    for frame in taken[full:]:
        connection.wait(memoryview(frame))
    return [bytes(frame) for frame in taken]
