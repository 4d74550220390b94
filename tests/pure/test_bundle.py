"""A bundle is a tar that every reader unpacks, with an index that has the pointer's digest."""

import base64
import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tracemalloc
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.index import Index
from bootstrap.loader import unpack
from deployer.aws.profile_request import unwrap
from deployer.bundle import BuildOptions, build, layout
from deployer.bundle.compress import WAITED_FOR, Pace
from deployer.bundle.frames import LARGEST as LARGEST_FRAME
from deployer.inspection.archive.contents import Limits
from deployer.model.profile import LARGEST, PATHS, Profile
from tests.applications import Release, contents, entries, release, write

RANDOM = random.Random(1)  # noqa: S311 - bytes that do not compress, not a secret
SOME: dict[str, str | bytes] = {
    "app.py": "import lib.one\n\ndef handler(event, context):\n    return lib.one.VALUE\n",
    "lib/one.py": "VALUE = 1\n",
    "lib/same.py": "VALUE = 1\n",
    "data/empty": b"",
    "data/large.bin": RANDOM.randbytes(9 << 20),
    f"deep/{'n' * 120}/{'ü' * 100}/file.txt": "a long name\n",
}


def _index(made: Release) -> Index:
    at, size = made.pointer.offset, made.pointer.size
    content = made.body[at : at + size]
    assert hashlib.sha256(content).hexdigest() == made.pointer.sha256
    return Index.parse(zstd.decompress(content))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = write(tmp_path / "tree", SOME)
    (made / "run.sh").write_text("#!/bin/sh\n")
    (made / "run.sh").chmod(0o755)
    (made / "link.py").symlink_to("lib/one.py")
    return made


@pytest.mark.skipif(not shutil.which("zstd"), reason="tar needs the zstd program")
def test_tar_reads_a_bundle_as_the_tree_it_was_made_of(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle.tar.zst").write_bytes(release(tree).body)
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "--zstd", "-xf", tmp_path / "bundle.tar.zst", "-C", tmp_path / "out"], check=True)
    assert entries(tmp_path / "out") == entries(tree)


def test_every_frame_stands_alone_and_hashes_to_the_index(tree: Path) -> None:
    made = release(tree)
    position = 0
    for frame in _index(made).frames:
        data = made.body[position : position + frame.compressed]
        assert hashlib.sha256(data).hexdigest() == frame.sha256
        assert len(zstd.decompress(data)) == frame.raw
        position += frame.compressed
    assert position + 8 == made.pointer.offset
    recipe = made.body[made.pointer.offset + made.pointer.size :]
    assert recipe[:4] == (0x184D2A5E).to_bytes(4, "little")
    assert 8 + int.from_bytes(recipe[4:8], "little") == len(recipe)


def test_the_slices_of_the_index_give_back_every_byte_of_every_file(tree: Path) -> None:
    made = release(tree)
    assert contents(made.body, made.pointer.offset, made.pointer.size) == {
        str(path.relative_to(tree)): path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_identical_files_travel_once(tmp_path: Path) -> None:
    content = RANDOM.randbytes(1 << 20)
    once = release(write(tmp_path / "one", {"a": content}), kind="command", command=("a",))
    twice = release(write(tmp_path / "two", {"a": content, "b": content}), kind="command", command=("a",))
    assert len(twice.body) < len(once.body) + 2000


def test_sources_come_with_bytecode_that_is_never_compared_with_them(tree: Path) -> None:
    names = {file.path for file in _index(release(tree)).files}
    cached = f"lib/__pycache__/one.{sys.implementation.cache_tag}.pyc"
    assert cached in names
    assert (tree / cached).read_bytes()[4:8] == (1).to_bytes(4, "little")


def test_a_source_that_does_not_compile_is_left_alone(tmp_path: Path) -> None:
    made = release(write(tmp_path, {"old.py": "print 'python 2'\n", "new.py": "x = 1\n"}))
    compiled = {file.path for file in _index(made).files if file.path.endswith(".pyc")}
    assert compiled == {f"__pycache__/new.{sys.implementation.cache_tag}.pyc"}


def test_no_bytecode_is_written_through_a_link(tmp_path: Path) -> None:
    tree = write(tmp_path, {"pkg/mod.py": "x = 1\n", "elsewhere/file": ""})
    (tree / "pkg" / "__pycache__").symlink_to("../elsewhere")
    release(tree)
    assert [path.name for path in (tree / "elsewhere").iterdir()] == ["file"]


def test_what_a_start_touched_comes_in_its_order_and_what_it_did_not_touch_comes_last(tree: Path) -> None:
    profile = Profile(
        touched=("lib/one.py", "app.py"), milliseconds=(0, 40), untouched=("data/large.bin", "data/empty")
    )
    paths = [file.path for file in _index(release(tree, kind="nodejs", profile=profile)).files]
    assert paths[:4] == ["run.sh", "lib/one.py", "app.py", "lib/same.py"]
    assert paths[-2:] == ["data/empty", "data/large.bin"]


def test_hot_and_cold_files_share_no_frame(tree: Path) -> None:
    cold = {"data/empty", "data/large.bin"}
    profile = Profile(touched=("app.py",), milliseconds=(0,), untouched=tuple(cold))
    index = _index(release(tree, kind="nodejs", profile=profile))
    frames = [{index.files[n].path for one in frame.slices for n in one.files} for frame in index.frames]
    assert all(paths <= cold or not paths & cold for paths in frames)


def test_programs_come_first_because_nobody_can_wait_for_them(tree: Path) -> None:
    write(tree, {"bin/tool": "x", "native.so": "y"})
    for path in ("bin/tool", "native.so"):
        (tree / path).chmod(0o755)
    index = _index(release(tree, profile=Profile(untouched=("bin/tool", "native.so"))))
    assert {file.path for file in index.files[: index.first]} == {"bin/tool", "run.sh"}


def test_where_more_files_are_small_than_can_be_held_the_smallest_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "LEASED", 3)
    index = _index(release(write(tmp_path, {f"{n}.txt": "x" * n for n in range(1, 8)}), kind="nodejs"))
    assert {file.path for file in index.files[: index.first]} == {f"{n}.txt" for n in range(1, 5)}


def test_small_files_come_first_because_to_lease_one_takes_longer_than_to_write_it(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"none": "", "small": bytes(9), "large": bytes(10)}
    index = _index(release(write(tmp_path, files), kind="nodejs", small=10))
    assert {file.path for file in index.files[: index.first]} == {"none", "small"}


def test_the_same_tree_gives_the_same_index_but_for_the_levels_chosen(tree: Path) -> None:
    first, second = _index(release(tree)), _index(release(tree))
    assert (first.files, first.links, first.directories) == (second.files, second.links, second.directories)


def test_what_a_release_takes_on_disk_is_whole_blocks(tmp_path: Path) -> None:
    made = release(write(tmp_path, {"one": "1", "two": bytes(4097), "none": ""}), kind="nodejs")
    assert made.pointer.unpacked == 3 * 4096


def test_an_empty_tree_is_a_bundle_too(tmp_path: Path) -> None:
    index = _index(release(tmp_path))
    assert (index.files, len(index.frames)) == ([], 1)


def test_a_file_that_shrinks_while_it_is_bundled_is_an_error(tree: Path) -> None:
    described = entries(tree)
    (tree / "data/large.bin").write_bytes(b"short")
    with pytest.raises(OSError, match=r"data/large\.bin is shorter"):
        build(tree, described, bytearray().extend, BuildOptions(python=None))


def test_memory_is_a_few_frames_whatever_the_size(tmp_path: Path) -> None:
    tree = write(tmp_path, {"zeros": bytes(300 << 20)})
    code = (
        "import resource, sys; from pathlib import Path; from tests.applications import entries;"
        "from deployer.bundle import BuildOptions, build; from datetime import timedelta;"
        "from deployer.model.entry import Entry;"
        f"tree = Path({str(tree)!r});"
        "entry = Entry(path='zeros', kind='file', mode=0o644, size=300 << 20, sha256='0' * 64);"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "build(tree, [entry], len, BuildOptions(python=None, budget=timedelta(seconds=2)));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert int(output) < 150 << 10


@given(st.integers(1, 10**11), st.integers(1, 600), st.integers(1, 6))
def test_the_level_is_the_strongest_that_the_budget_allows(size: int, seconds: int, threads: int) -> None:
    pace = Pace(BuildOptions(python=None, budget=timedelta(seconds=seconds), threads=threads))
    pace.remaining = size
    level = pace.level(LARGEST_FRAME)
    needed = size / 1e6 / threads / seconds
    stronger = [speed for other, speed in pace.speeds.items() if level < other <= WAITED_FOR]
    assert all(speed < needed * 1.1 for speed in stronger)


def test_more_identical_files_than_a_process_may_open_are_written(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"licences/{number}/LICENSE": "the same" for number in range(700)}
    made = release(write(tmp_path / "tree", files), kind="nodejs")
    index, position = _index(made), 0
    (tmp_path / "out").mkdir()
    root = os.open(tmp_path / "out", os.O_DIRECTORY)
    for path in index.directories:
        os.mkdir(path, dir_fd=root)
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (400, allowed[1]))
    try:
        for frame in index.frames:
            data = memoryview(made.body)[position : position + frame.compressed]
            unpack.put(frame, data, unpack.Place(index.files, root))
            position += frame.compressed
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
        os.close(root)
    assert entries(tmp_path / "out") == entries(tmp_path / "tree")


def test_an_answer_without_a_profile_is_given_back_untouched() -> None:
    assert unwrap(b'{"a": 1}') == (b'{"a": 1}', None)
    assert unwrap(b"no json") == (b"no json", None)
    assert unwrap(b'{"response": 1, "dropshift": "rubbish"}') == (b"1", None)
    assert unwrap(b'{"response": 1, "dropshift": "\\u0080"}') == (b"1", None)
    nested = b"[" * 100_000
    assert unwrap(nested) == (nested, None)


def answered(profile: str) -> Profile | None:
    packed = base64.b64encode(zlib.compress(profile.encode())).decode()
    return unwrap(json.dumps({"response": 1, "dropshift": packed}).encode()).profile


def test_a_profile_is_believed_only_as_far_as_it_may_be_true() -> None:
    assert answered('{"touched":["app.py"]}') == Profile(touched=("app.py",))
    assert answered('{"touched":[' + '"",' * PATHS + '""]}') is None
    assert answered('{"touched":["' + "a" * LARGEST + '"]}') is None
    assert answered('{"touched":' + "[" * 100_000) is None


def test_a_profile_has_every_module_of_the_largest_archive_and_its_bytecode() -> None:
    modules = [f"m{number}.py" for number in range(Limits().entries)]
    profile = Profile(untouched=tuple(path for module in modules for path in (module, f"{module}c")))
    assert answered(profile.model_dump_json()) == profile


def test_an_answer_that_inflates_to_hundreds_of_megabytes_costs_a_few() -> None:
    bomb = base64.b64encode(zlib.compress(b'{"touched":[' + b'"",' * 2**26, 9)).decode()
    tracemalloc.start()
    try:
        assert unwrap(json.dumps({"response": 1, "dropshift": bomb}).encode()).profile is None
        assert tracemalloc.get_traced_memory()[1] < 4 * LARGEST
    finally:
        tracemalloc.stop()
