"""A cold start against an S3 that misbehaves.

Recoverable faults recover. All others fail closed, with one clear line that names the object and the remedy. No byte
reaches a file before its digest matched, whatever the faults.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from bootstrap import tree as trees
from bootstrap.loader.worker import ATTEMPTS
from bootstrap.pointer import Pointer
from tests.applications import KEY, Release, release, write
from tests.loads import Loader, Outcome, loader
from tests.local.waiting import until
from tests.object_store import BUCKET, Fault, ObjectStore, serving

RANDOM = random.Random(3)  # noqa: S311 - faults at random, not secrets
FILES: dict[str, str | bytes] = {
    "app.py": "def handler(event, context):\n    return 1\n",
    "large.bin": RANDOM.randbytes(5 << 20),
    **{f"package/module_{n}.py": f"VALUE = {RANDOM.random()}\n" * 50 for n in range(40)},
}
RECOVERABLE: tuple[Fault, ...] = ("503", "500", "reset", "stall", "short", "corrupt", "garbage")
ANY: tuple[Fault, ...] = ("503", "reset", "short", "corrupt", "garbage", "whole", "shifted", "403")
type Misbehaviour = Callable[[int], Fault | None]


class Place(NamedTuple):
    """The source and the target of a test's load."""

    store: ObjectStore
    process: Loader
    pointer: Pointer
    tree: Path
    directory: Path

    def load(self, *, fresh: bool = True) -> Outcome:
        """Load the release."""
        return self.process.load(self.pointer, self.directory, fresh=fresh)

    @property
    def loaded(self) -> Path:
        """The directory that stands for /var/task."""
        return _loaded(self.directory, self.pointer)


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with serving(ObjectStore(stall=1.0)) as started:
        yield started


@pytest.fixture(scope="module")
def process(store: ObjectStore) -> Iterator[Loader]:
    with loader(store) as started:
        yield started


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Release]:
    tree = write(tmp_path_factory.mktemp("tree"), FILES)
    return tree, release(tree)


@pytest.fixture
def pointer(made: tuple[Path, Release], store: ObjectStore) -> Pointer:
    store.misbehave = lambda _number: None
    return made[1].stored(store)


@pytest.fixture
def place(store: ObjectStore, process: Loader, pointer: Pointer, made: tuple[Path, Release], tmp_path: Path) -> Place:
    return Place(store, process, pointer, made[0], tmp_path)


def _loaded(directory: Path, pointer: Pointer) -> Path:
    return directory / "dropshift" / pointer.sha256[:32]


def _same(one: Path, other: Path) -> bool:
    return not subprocess.run(["diff", "-r", one, other], check=False, capture_output=True).returncode


def _from(first: int, fault: Fault, count: int = 1) -> Misbehaviour:
    """Misbehave `count` times, beginning with request number `first`."""
    seen: list[int] = []

    def misbehave(number: int) -> Fault | None:
        seen.append(number)
        return fault if first <= len(seen) < first + count else None

    return misbehave


def _at_random(kinds: list[Fault], rate: float) -> Misbehaviour:
    return lambda _number: RANDOM.choice(kinds) if RANDOM.random() < rate else None


@pytest.mark.parametrize("fault", RECOVERABLE)
@pytest.mark.parametrize("first", [1, 3], ids=["index", "part"])
def test_a_passing_fault_is_survived(place: Place, fault: Fault, first: int) -> None:
    place.store.misbehave = _from(first, fault, 2)
    outcome = place.load()
    assert (outcome.kind, outcome.message) == ("", "")
    assert _same(place.loaded, place.tree)


@pytest.mark.parametrize("part", [None, 0], ids=["index", "part"])
def test_a_busy_s3_is_waited_for_longer_than_any_other_fault(place: Place, part: int | None) -> None:
    busy = _from(1, "503", ATTEMPTS + 3)
    starts = place.store.indexes if part is None else {part}
    place.store.misbehave = lambda number: busy(number) if place.store.starts_at(number) in starts else None
    outcome = place.load()
    assert (outcome.kind, outcome.message) == ("", "")
    assert _same(place.loaded, place.tree)


@pytest.mark.parametrize(
    ("fault", "kind", "remedy"),
    [
        ("403", "AccessDenied", "needs s3:GetObject and s3:GetObjectVersion"),
        ("404", "Missing", "redeploy the release"),
        ("expired", "ExpiredCredentials", "start a fresh execution environment"),
        ("whole", "NotRanged", "got 200 instead of 206"),
        ("shifted", "WrongRange", "asked for 'bytes"),
        ("corrupt", "WrongBytes", "redeploy the release"),
        ("500", "Unreachable", "gave up after"),
        ("reset", "Unreachable", "see that the function reaches S3"),
    ],
)
@pytest.mark.parametrize("first", [1, 3], ids=["index", "part"])
def test_a_lasting_fault_fails_closed_with_one_line_that_says_where_and_what_to_do(
    place: Place, fault: Fault, kind: str, remedy: str, first: int
) -> None:
    place.store.misbehave = _from(first, fault, 1000)
    outcome = place.load()
    assert outcome.kind == kind
    assert f"s3://{BUCKET}/{KEY}" in outcome.message
    assert place.pointer.version in outcome.message
    assert remedy in outcome.message
    assert "\n" not in outcome.message
    assert not place.loaded.with_suffix(".complete").exists()


def test_an_object_that_is_not_there_is_named(process: Loader, pointer: Pointer, tmp_path: Path) -> None:
    outcome = process.load(pointer._replace(version="gone"), tmp_path)
    assert outcome.kind == "Missing"
    assert "version gone" in outcome.message


def test_an_unreachable_endpoint_is_named(pointer: Pointer, tmp_path: Path) -> None:
    with loader(ObjectStore(port=1)) as nowhere:
        outcome = nowhere.load(pointer, tmp_path)
    assert outcome.kind == "Unreachable"
    assert "Connection refused" in outcome.message


def test_a_release_that_cannot_fit_is_refused_before_the_first_byte(
    process: Loader, store: ObjectStore, pointer: Pointer, tmp_path: Path
) -> None:
    before = len(store.requests)
    outcome = process.load(pointer._replace(unpacked=1 << 50), tmp_path)
    assert outcome.kind == "NoSpace"
    assert "raise the function's ephemeral storage to at least" in outcome.message
    assert len(store.requests) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs root")
@pytest.mark.parametrize("size", ["4m", "4k"], ids=["files", "index"])
def test_a_disk_that_fills_up_on_the_way_is_told_with_what_is_needed(
    process: Loader, pointer: Pointer, tmp_path: Path, size: str
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", tmp_path], check=True)
    try:
        outcome = process.load(pointer._replace(unpacked=0), tmp_path)
        assert outcome.kind == "NoSpace"
        assert "raise the function's ephemeral storage" in outcome.message
    finally:
        until(lambda: not subprocess.run(["umount", tmp_path], check=False).returncode)  # the loader has ended


def test_a_load_that_was_killed_half_way_is_continued(
    store: ObjectStore, pointer: Pointer, made: tuple[Path, Release], tmp_path: Path
) -> None:
    store.misbehave = _from(6, "stall", 1000)
    journal = _loaded(tmp_path, pointer).with_suffix(".journal")
    with loader(store) as doomed, ThreadPoolExecutor(1) as pool:
        pool.submit(doomed.load, pointer, tmp_path)
        while not (journal.exists() and journal.stat().st_size):
            pass
        doomed.kill()
    store.misbehave, store.served = lambda _number: None, 0
    with loader(store) as second:
        outcome = second.load(pointer, tmp_path, fresh=False)
    assert outcome.kind == ""
    assert 0 < outcome.bytes < pointer.offset - 8
    assert _same(_loaded(tmp_path, pointer), made[0])


def test_a_tree_without_marker_and_journal_is_thrown_away(
    process: Loader, pointer: Pointer, made: tuple[Path, Release], tmp_path: Path
) -> None:
    write(_loaded(tmp_path, pointer), {"app.py": "planted", "planted.py": "planted"})
    assert process.load(pointer, tmp_path, fresh=False).kind == ""
    assert _same(_loaded(tmp_path, pointer), made[0])


def test_a_complete_tree_is_used_without_a_request(
    process: Loader, store: ObjectStore, pointer: Pointer, tmp_path: Path
) -> None:
    process.load(pointer, tmp_path)
    before = len(store.requests)
    assert process.load(pointer, tmp_path, fresh=False).kind == ""
    assert len(store.requests) == before


def test_two_processes_that_load_at_once_fetch_once(
    store: ObjectStore, pointer: Pointer, made: tuple[Path, Release], tmp_path: Path
) -> None:
    store.served = 0
    with loader(store) as one, loader(store) as other, ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda each: each.load(pointer, tmp_path, fresh=False), (one, other)))
    assert [end.kind for end in ends] == ["", ""]
    assert _same(_loaded(tmp_path, pointer), made[0])
    assert store.served < 1.5 * len(made[1].body)


def test_other_releases_trees_are_removed_unless_somebody_uses_them(
    process: Loader, pointer: Pointer, tmp_path: Path
) -> None:
    base = tmp_path / "dropshift"
    write(base, {"aa/old.py": "", "aa.complete": "", "aa.lock": "", "bb/used.py": "", "bb.lock": "", "bb.complete": ""})
    holder = subprocess.Popen(["flock", "-s", base / "bb.lock", "sleep", "60"])
    try:
        _await_lock(base / "bb.lock")
        process.load(pointer, tmp_path, fresh=False)
    finally:
        holder.kill()
    assert not list(base.glob("aa*"))
    assert (base / "bb" / "used.py").exists()


def _await_lock(path: Path) -> None:
    while not subprocess.run(["flock", "-n", "-x", path, "true"], check=False).returncode:
        pass


def _only_verified(tree: Path, loaded: Path) -> bool:
    """Return whether every byte on disk is the original's, or was never written."""
    return all(
        _verified((tree / path.relative_to(loaded)).read_bytes(), path.read_bytes())
        for path in loaded.rglob("*")
        if path.is_file()
    )


def _verified(original: bytes, content: bytes, block: int = 4096) -> bool:
    for at in range(0, len(content), block):
        ours = content[at : at + block]
        theirs = original[at : at + len(ours)]
        if ours not in {theirs, bytes(len(ours))} and any(a and a != b for a, b in zip(ours, theirs, strict=False)):
            return False
    return True


def test_in_many_loads_with_random_faults_no_unverified_byte_reaches_a_file(
    process: Loader, store: ObjectStore, tmp_path: Path
) -> None:
    files = {f"module_{n}.py": f"VALUE = {RANDOM.random()}\n" * 30 for n in range(6)}
    tree = write(tmp_path / "tree", {**files, "data.bin": RANDOM.randbytes(3 << 19)})
    pointer = release(tree).stored(store)
    ends: dict[str, int] = {}
    for _ in range(250):
        rate = RANDOM.choice([0.05, 0.2, 0.6])
        store.misbehave = _at_random(RANDOM.sample(ANY, 3), rate)
        outcome = process.load(pointer, tmp_path, fresh=RANDOM.random() < 0.7)
        ends[outcome.kind] = ends.get(outcome.kind, 0) + 1
        assert _only_verified(tree, _loaded(tmp_path, pointer))
        complete = _loaded(tmp_path, pointer).with_suffix(".complete").exists()
        assert complete == (outcome.kind == "")
        if complete:
            assert _same(_loaded(tmp_path, pointer), tree)
    store.misbehave = lambda _number: None
    assert ends[""] > 25
    assert len(ends) > 3


def test_bytes_that_were_swapped_for_others_of_the_same_length_are_never_written(
    process: Loader, store: ObjectStore, pointer: Pointer, made: tuple[Path, Release], tmp_path: Path
) -> None:
    body = bytearray(made[1].body)
    body[100] ^= 1
    store.objects[pointer.key, pointer.version] = bytes(body)
    outcome = process.load(pointer, tmp_path)
    assert outcome.kind == "WrongBytes"
    assert _only_verified(made[0], _loaded(tmp_path, pointer))


def test_no_lock_is_left_behind(process: Loader, pointer: Pointer, tmp_path: Path) -> None:
    process.load(pointer, tmp_path)
    path = trees.Tree(str(tmp_path / "dropshift"), pointer.sha256[:32]).lock
    assert subprocess.run(["flock", "-n", "-x", path, "true"], check=False).returncode == 0
    shutil.rmtree(tmp_path)
