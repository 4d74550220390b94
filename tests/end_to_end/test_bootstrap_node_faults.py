"""The nodejs kind where it goes wrong: full disks, loads cut half way while others wait, credentials, whole objects."""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bootstrap.pointer import VARIABLE, Pointer
from tests.applications import CREDENTIALS, KEY, call, dropped, package, release, write
from tests.local.confinement import MAY_UNSHARE
from tests.local.waiting import until
from tests.object_store import BUCKET, ObjectStore

FILES: dict[str, str | bytes] = {
    "app.mjs": "export const handler = async () => 'ready';\n",
    "folder/data.bin": random.Random(6).randbytes(6 << 20),  # noqa: S311 - bytes that do not compress
}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and file systems of its own need root")


@pytest.fixture
def pointer(tmp_path: Path, store: ObjectStore) -> Pointer:
    return release(write(tmp_path / "tree", FILES), kind="nodejs").stored(store)


def _named(pointer: Pointer) -> str:
    return f"release {pointer.release} (s3://{BUCKET}/{KEY}, version {pointer.version}): "


@contextmanager
def _disk(place: Path, options: str) -> Iterator[Path]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@AS_ROOT
@pytest.mark.parametrize(
    ("limit", "relief"),
    # The disk itself, our folder, the index, the tree, its folder, the journal, two files, the marker.
    [(f"nr_inodes={number}", "nr_inodes=99") for number in range(1, 9)]
    + [("size=8k", "size=64m"), ("size=4m", "size=64m")],
)
def test_a_disk_that_fills_up_at_any_step_is_told_in_one_line_and_the_next_init_goes_on(
    tmp_path: Path, store: ObjectStore, runtime: list[str], pointer: Pointer, limit: str, relief: str
) -> None:
    pointer = pointer._replace(unpacked=-(16 << 20))  # or it would be refused before the first byte
    with (
        _disk(tmp_path / "disk", limit) as disk,
        dropped(pointer, store, tmp_path, {"TMPDIR": str(disk)}, runtime) as environment,
    ):
        [error] = call(environment).answers
        subprocess.run(["mount", "-o", f"remount,{relief}", disk], check=True)
        assert call(environment, {}).answers == ["ready"]
    assert error["errorType"] == "Dropshift.NoSpace"
    assert error["errorMessage"].startswith(_named(pointer))
    assert "raise the function's ephemeral storage" in error["errorMessage"]
    assert "\n" not in error["errorMessage"]


@AS_ROOT
@pytest.mark.skipif(not MAY_UNSHARE, reason="a namespace of its own needs root")
def test_a_load_that_was_cut_is_continued_by_a_process_with_the_same_id(
    tmp_path: Path, store: ObjectStore, runtime: list[str], pointer: Pointer
) -> None:
    first_of_its_namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *runtime]
    store.misbehave = lambda number: "stall" if number > 3 else None
    with dropped(pointer, store, tmp_path, runtime=first_of_its_namespace) as environment:
        assert environment.start(1.5).kind == "exited"
        store.misbehave = lambda _number: None
        assert call(environment, {}).answers == ["ready"]


THREADS = """\
import { isMainThread, Worker } from "node:worker_threads";
if (isMainThread) for (let n = 0; n < 8; n++) new Worker(import.meta.filename);
else {
  console.log("begun");
  await import(process.env.ENTRY);
}
"""


def test_of_many_that_wait_for_a_load_that_is_killed_one_loads_and_all_serve(
    tmp_path: Path, store: ObjectStore, runtime: list[str], pointer: Pointer
) -> None:
    (tmp_path / "threads.mjs").write_text(THREADS)
    own = {"TMPDIR": str(tmp_path), "ENTRY": str(package() / "bootstrap.mjs"), "AWS_ENDPOINT_URL_S3": store.url}
    output = tmp_path / "output"

    def start(stack: ExitStack) -> subprocess.Popen[bytes]:
        command, variables = (
            [runtime[0], str(tmp_path / "threads.mjs")],
            CREDENTIALS | own | {VARIABLE: pointer.encode()},
        )
        with output.open("ab") as file:
            process = subprocess.Popen(command, env=variables, stdout=file, stderr=file)
        stack.callback(process.kill)
        return process

    store.misbehave = lambda _number: "stall"
    with ExitStack() as stack:
        doomed = start(stack)
        until(lambda: store.requests)
        others = [start(stack), start(stack)]
        until(lambda: output.read_text().count("begun") == 24)
        store.misbehave = lambda _number: None
        for other in others:  # so that they all find out at once
            other.send_signal(signal.SIGSTOP)
        doomed.kill()
        doomed.wait()
        for other in others:
            other.send_signal(signal.SIGCONT)
        assert [other.wait(20) for other in others] == [0, 0], output.read_text()
    assert output.read_text().count('"release.loaded"') == 1


def test_a_whole_object_is_refused_before_it_is_read(
    tmp_path: Path, store: ObjectStore, runtime: list[str], pointer: Pointer
) -> None:
    version = store.put(KEY, bytes(64 << 20))
    store.misbehave = lambda _number: "whole"
    with dropped(pointer._replace(version=version), store, tmp_path, runtime=runtime) as environment:
        [error] = call(environment).answers
    assert error["errorType"] == "Dropshift.NotRanged"
    assert store.served == 0


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({}, "no credentials in the environment; give the function a role"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"}, "the container credentials endpoint failed: "),
        (
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{store}"},
            "the container credentials endpoint failed: it answered 404",
        ),
        (
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{store}", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere"},
            "the container credentials endpoint failed: ENOENT",
        ),
    ],
    ids=["none", "unreachable", "refusing", "without its token"],
)
def test_missing_credentials_are_told_in_one_line_that_names_the_object(
    tmp_path: Path, store: ObjectStore, runtime: list[str], pointer: Pointer, variables: dict[str, str], why: str
) -> None:
    given = {"AWS_ACCESS_KEY_ID": ""} | {name: value.format(store=store.url) for name, value in variables.items()}
    with dropped(pointer, store, tmp_path, given, runtime) as environment:
        [error] = call(environment).answers
    assert error["errorType"] == "Dropshift.NoCredentials"
    assert error["errorMessage"].startswith(_named(pointer) + why)
    assert "\n" not in error["errorMessage"]
