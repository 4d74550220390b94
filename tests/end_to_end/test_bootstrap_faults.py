"""A cold start against an S3 that misbehaves.

Recoverable faults recover. All others fail closed, with one clear line that names the object and the remedy. No byte
reaches a file before its digest matched, whatever the faults.
"""

import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bootstrap.loader.retry import ATTEMPTS
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
REFUSALS = (
    ("403", "AccessDenied", "needs s3:GetObject and s3:GetObjectVersion"),
    ("404", "Missing", "redeploy the release"),
    ("expired", "ExpiredCredentials", "start a fresh execution environment"),
    ("whole", "NotRanged", "got 200 instead of 206"),
    ("shifted", "WrongRange", "asked for 'bytes"),
)
"""An answer that no other try changes, the kind of the error, and its remedy."""
type Misbehaviour = Callable[[int], Fault | None]


class Place(NamedTuple):
    """The source and the target of a test's load."""

    store: ObjectStore
    process: Loader
    pointer: Pointer
    tree: Path
    directory: Path

    def load(self, *, fresh: bool = True, **pointer: Any) -> Outcome:  # noqa: ANN401 - as Pointer
        """Load the release, or another one that its pointer names with other fields."""
        return self.process.load(self.pointer._replace(**pointer), self.directory, fresh=fresh)

    @property
    def loaded(self) -> Path:
        """The directory that stands for /var/task."""
        return self.directory / "dropshift" / self.pointer.sha256[:32]

    @property
    def complete(self) -> bool:
        """Return whether every file is in place."""
        return not subprocess.run(["diff", "-r", self.loaded, self.tree], check=False, capture_output=True).returncode


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
def place(store: ObjectStore, process: Loader, made: tuple[Path, Release], tmp_path: Path) -> Place:
    store.misbehave = lambda _number: None
    store.served = 0
    return Place(store, process, made[1].stored(store), made[0], tmp_path)


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
    assert place.complete


@pytest.mark.parametrize("part", [None, 0], ids=["index", "part"])
def test_a_busy_s3_is_waited_for_longer_than_any_other_fault(place: Place, part: int | None) -> None:
    busy = _from(1, "503", ATTEMPTS + 3)
    starts = place.store.indexes if part is None else {part}
    place.store.misbehave = lambda number: busy(number) if place.store.starts_at(number) in starts else None
    outcome = place.load()
    assert (outcome.kind, outcome.message) == ("", "")
    assert place.complete


@pytest.mark.parametrize(
    ("fault", "kind", "remedy"),
    [
        *REFUSALS,
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


def test_an_object_that_is_not_there_is_named(place: Place) -> None:
    outcome = place.load(version="gone")
    assert outcome.kind == "Missing"
    assert "version gone" in outcome.message


def test_an_unreachable_endpoint_is_named(place: Place) -> None:
    with loader(ObjectStore(port=1)) as nowhere:
        outcome = nowhere.load(place.pointer, place.directory)
    assert outcome.kind == "Unreachable"
    assert "Connection refused" in outcome.message


def test_a_release_that_cannot_fit_is_refused_before_the_first_byte(place: Place) -> None:
    before = len(place.store.requests)
    outcome = place.load(unpacked=1 << 50)
    assert outcome.kind == "NoSpace"
    assert "raise the function's ephemeral storage to at least" in outcome.message
    assert len(place.store.requests) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs root")
@pytest.mark.parametrize("size", ["4m", "4k"], ids=["files", "index"])
def test_a_disk_that_fills_up_on_the_way_is_told_with_what_is_needed(place: Place, size: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place.directory], check=True)
    try:
        outcome = place.load(unpacked=0)
        assert outcome.kind == "NoSpace"
        assert "raise the function's ephemeral storage" in outcome.message
    finally:
        until(lambda: not subprocess.run(["umount", place.directory], check=False).returncode)  # the loader has ended


def test_a_load_that_was_killed_half_way_is_continued(place: Place) -> None:
    place.store.misbehave = _from(6, "stall", 1000)
    journal = place.loaded.with_suffix(".journal")
    with loader(place.store) as doomed, ThreadPoolExecutor(1) as pool:
        pool.submit(doomed.load, place.pointer, place.directory)
        until(lambda: journal.exists() and journal.stat().st_size)
        doomed.kill()
    place.store.misbehave = lambda _number: None
    outcome = place.load(fresh=False)
    assert outcome.kind == ""
    assert 0 < outcome.bytes < place.pointer.offset - 8
    assert place.complete


def test_a_tree_without_marker_and_journal_is_thrown_away(place: Place) -> None:
    write(place.loaded, {"app.py": "planted", "planted.py": "planted"})
    assert place.load(fresh=False).kind == ""
    assert place.complete


def test_a_complete_tree_is_used_without_a_request(place: Place) -> None:
    place.load()
    before = len(place.store.requests)
    assert place.load(fresh=False).kind == ""
    assert len(place.store.requests) == before


def test_two_processes_that_load_at_once_fetch_once(place: Place) -> None:
    with loader(place.store) as other, ThreadPoolExecutor(2) as pool:
        both = (place.process, other)
        ends = list(pool.map(lambda each: each.load(place.pointer, place.directory, fresh=False), both))
    assert [end.kind for end in ends] == ["", ""]
    assert place.complete
    assert place.store.served < 1.5 * place.pointer.offset


def test_other_releases_trees_are_removed_unless_somebody_uses_them(place: Place) -> None:
    base = place.directory / "dropshift"
    write(base, {"aa/old.py": "", "aa.complete": "", "aa.lock": "", "bb/used.py": "", "bb.lock": "", "bb.complete": ""})
    holder = subprocess.Popen(["flock", "-s", base / "bb.lock", "sleep", "60"])
    try:
        until(lambda: not _is_free(base / "bb.lock"))
        place.load(fresh=False)
    finally:
        holder.kill()
    assert not list(base.glob("aa*"))
    assert (base / "bb" / "used.py").exists()


def _is_free(lock: Path) -> bool:
    return not subprocess.run(["flock", "-n", "-x", lock, "true"], check=False).returncode


def _only_verified(place: Place) -> bool:
    """Return whether every byte on disk is the original's, or was never written."""
    return all(
        _verified((place.tree / path.relative_to(place.loaded)).read_bytes(), path.read_bytes())
        for path in place.loaded.rglob("*")
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
    place, ends = Place(store, process, release(tree).stored(store), tree, tmp_path), Counter[str]()
    for _ in range(250):
        store.misbehave = _at_random(RANDOM.sample(ANY, 3), RANDOM.choice([0.05, 0.2, 0.6]))
        outcome = place.load(fresh=RANDOM.random() < 0.7)
        ends[outcome.kind] += 1
        assert _only_verified(place)
        complete = place.loaded.with_suffix(".complete").exists()
        assert complete == (outcome.kind == "")
        assert place.complete or not complete
    assert ends[""] > 25
    assert len(ends) > 3


def test_bytes_that_were_swapped_for_others_of_the_same_length_are_never_written(place: Place) -> None:
    stored = place.pointer.key, place.pointer.version
    body = bytearray(place.store.objects[stored])
    body[100] ^= 1
    place.store.objects[stored] = bytes(body)
    assert place.load().kind == "WrongBytes"
    assert _only_verified(place)


def test_no_lock_is_left_behind(place: Place) -> None:
    place.load()
    assert _is_free(place.loaded.with_suffix(".lock"))
