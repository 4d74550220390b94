"""Managed instances under AWS's own runtime client: it forks as many processes as may run at once, each its own loader.

All of them share one /tmp. The first to take the lock loads; the others wait for it and use its tree.
"""

import json
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.applications import call, dropped, invocation, native, package, release, write
from tests.local.environments import Environment
from tests.object_store import ObjectStore

PROCESSES = 3
INIT_LIMIT = 130
"""Seconds. Source: AWS Lambda developer guide, execution environment: 130 s on managed instances, or the timeout."""
MANAGED = {"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances", "AWS_LAMBDA_MAX_CONCURRENCY": str(PROCESSES)}
MEETING = """\
import os, pathlib, time

def handler(event, context):
    place = pathlib.Path(event["place"])
    (place / str(os.getpid())).touch()
    while len(list(place.iterdir())) < event["all"]:
        time.sleep(0.01)
    return {
        "process": os.getpid(), "parent": os.getppid(), "cwd": os.getcwd(), "root": os.environ["LAMBDA_TASK_ROOT"],
        "concurrency": os.environ["AWS_LAMBDA_MAX_CONCURRENCY"], "libraries": os.environ.get("LD_LIBRARY_PATH"),
        "names": sorted(os.environ.keys() - {"AWS_ENDPOINT_URL_S3"}),
    }
"""
"""Answers when all processes are in it at once."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    (tmp_path / "place").chmod(0o777)  # the application may be another user
    return tmp_path / "place"


def test_processes_that_start_at_once_load_once_and_all_serve(tmp_path: Path, store: ObjectStore, place: Path) -> None:
    files: dict[str, str | bytes] = {"app.py": MEETING, "data.bin": bytes(3 << 20)}
    pointer = release(write(tmp_path / "tree", files)).stored(store)
    with dropped(pointer, store, tmp_path, MANAGED) as environment:
        answers = _at_once(environment, place)
        output = environment.output()
    assert len({answer["process"] for answer in answers}) == PROCESSES
    assert len({answer["parent"] for answer in answers}) == 1
    assert {answer["cwd"] == answer["root"] for answer in answers} == {True}
    assert len(store.requests) == len(set(store.requests))
    assert output.count('"release.loaded"') == 1


def test_a_process_sees_what_it_sees_natively(tmp_path: Path, store: ObjectStore, place: Path) -> None:
    tree = write(tmp_path / "tree", {"app.py": MEETING})
    with native(tree, tmp_path, MANAGED) as environment:
        natively = _at_once(environment, place)
    for one in place.iterdir():
        one.unlink()
    with dropped(release(tree).stored(store), store, tmp_path, MANAGED) as environment:
        through_us = _at_once(environment, place)
    assert {str(answer["names"]) for answer in natively} == {str(answer["names"]) for answer in through_us}
    assert {answer["concurrency"] for answer in (*natively, *through_us)} == {str(PROCESSES)}


def test_libraries_of_the_release_are_found_by_as_many_processes_as_there_are_natively(
    tmp_path: Path, store: ObjectStore, place: Path
) -> None:
    pointer = release(write(tmp_path / "tree", {"app.py": MEETING, "lib/libown.so.1": "x"})).stored(store)
    variables = {**MANAGED, "LD_LIBRARY_PATH": f"/opt/lib:{package()}/lib"}
    with dropped(pointer, store, tmp_path, variables) as environment:
        answers = _at_once(environment, place)
        root = answers[0]["root"]
        assert environment.process is not None
        assert len(_without_children(environment.process.pid)) == PROCESSES
    assert len({answer["process"] for answer in answers}) == PROCESSES
    assert {answer["libraries"] for answer in answers} == {f"/opt/lib:{root}/lib"}
    assert {answer["concurrency"] for answer in answers} == {str(PROCESSES)}


def test_what_a_process_says_reaches_the_log_it_was_given(tmp_path: Path, store: ObjectStore, place: Path) -> None:
    app = "print('imported')\n" + MEETING
    pointer = release(write(tmp_path / "tree", {"app.py": app})).stored(store)
    with _log() as (said, path):
        variables = {**MANAGED, "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET": path}
        with dropped(pointer, store, tmp_path, variables) as environment:
            _at_once(environment, place)
            assert environment.output() == ""
        text = said()
    assert text.count("imported\n") == PROCESSES
    assert text.count('"release.loaded"') == 1


def test_a_load_that_fails_is_told_by_every_process_and_ends_them_all(tmp_path: Path, store: ObjectStore) -> None:
    store.misbehave = lambda _number: "404"
    pointer = release(write(tmp_path / "tree", {"app.py": MEETING})).stored(store)
    with dropped(pointer, store, tmp_path, MANAGED) as environment:
        happened = call(environment)
    [error] = happened.answers
    assert (happened.outcomes[0].kind, error["errorType"]) == ("init-error", "Dropshift.Missing")
    assert happened.output.count("Dropshift.Missing") == PROCESSES


@contextmanager
def _log() -> Iterator[tuple[Callable[[], str], str]]:
    """Accept connections as Lambda does, which keeps the streams of an instance's processes apart."""
    pieces: list[bytes] = []

    class Stream(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            pieces.append(b"".join(iter(lambda: self.request.recv(1 << 16), b"")))

    with tempfile.TemporaryDirectory() as directory:  # a socket's path has at most 107 bytes
        server = socketserver.ThreadingUnixStreamServer(f"{directory}/log", Stream)
        for opened in (directory, f"{directory}/log"):
            Path(opened).chmod(0o777)  # a confined process is another user
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield lambda: _joined(server, pieces), f"{directory}/log"


def _joined(server: socketserver.ThreadingUnixStreamServer, pieces: list[bytes]) -> str:
    """Wait until every stream has ended with its process."""
    server.shutdown()
    server.server_close()
    return b"".join(pieces).decode()


def _without_children(process: int) -> list[int]:
    """Return the processes below that do the work."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [one for child in found for one in _without_children(int(child))] or [process]


def _at_once(environment: Environment, place: Path) -> list[dict[str, Any]]:
    """Start, and have every process busy with an event at the same time; return the answers."""
    assert environment.start(INIT_LIMIT).kind == "ready"
    event = {"place": str(place), "all": PROCESSES}
    with ThreadPoolExecutor(PROCESSES) as pool:
        outcomes = list(pool.map(lambda _: environment.run(invocation(event), 60), range(PROCESSES)))
    assert [one.kind for one in outcomes] == ["response"] * PROCESSES, outcomes
    return [json.loads(one.payload) for one in outcomes]
