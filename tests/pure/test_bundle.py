"""A bundle is a tar that everybody reads, and an index that hashes to what the pointer says."""

import hashlib
import os
import random
import resource
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.index import Index
from bootstrap.loader import unpack
from deployer.aws.profile_request import unwrap
from deployer.bundle import Plan, build
from deployer.bundle.compress import Pace
from deployer.model.profile import Profile
from tests.applications import Release, entries, release, write

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
    assert made.pointer.offset + made.pointer.size == len(made.body)


def test_the_slices_of_the_index_give_back_every_byte_of_every_file(tree: Path) -> None:
    made = release(tree)
    index, position = _index(made), 0
    files = [bytearray(file.size) for file in index.files]
    for frame in index.frames:
        raw = zstd.decompress(made.body[position : position + frame.compressed])
        for one in frame.slices:
            for number in one.files:
                files[number][one.position : one.position + one.length] = raw[one.offset : one.offset + one.length]
        position += frame.compressed
    assert {file.path: bytes(content) for file, content in zip(index.files, files, strict=True)} == {
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


def test_without_a_profile_every_frame_is_hot(tree: Path) -> None:
    index = _index(release(tree))
    assert index.hot == len(index.frames)


def test_without_a_profile_only_the_test_modules_of_packages_may_come_late(tmp_path: Path) -> None:
    files = {"app.py": "", "tests/mine.py": "", "lib/tests/test_a.py": "x = 1\n", "lib/tests/data.txt": "y"}
    index = _index(release(write(tmp_path, files)))
    late = {number for frame in index.frames[index.hot :] for one in frame.slices for number in one.files}
    cached = f"lib/tests/__pycache__/test_a.{sys.implementation.cache_tag}.pyc"
    assert {index.files[number].path for number in late} == {"lib/tests/test_a.py", cached}


def test_what_a_start_touched_comes_in_its_order_and_only_what_it_did_not_touch_may_come_late(tree: Path) -> None:
    profile = Profile(touched=("lib/one.py", "app.py"), milliseconds=(0, 40), untouched=("data/large.bin",))
    index = _index(release(tree, profile=profile))
    modules = [file.path for file in index.files if file.path in ("lib/one.py", "app.py", "lib/same.py")]
    assert modules == ["lib/one.py", "app.py", "lib/same.py"]
    late = {number for frame in index.frames[index.hot :] for one in frame.slices for number in one.files}
    assert {index.files[number].path for number in late} == {"data/large.bin"}


def test_without_a_profile_modules_come_in_the_order_in_which_the_sources_import_them(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "app/main.py": "import json\nfrom zoo import cage\nfrom . import late\ndef handler(*_):\n    import rare\n",
        "app/late.py": "class A:\n    try:\n        import aviary\n    except ImportError:\n        pass\n",
        "app/__init__.py": "",
        "zoo/__init__.py": "import typing\nif typing.TYPE_CHECKING:\n    import rare\nelse:\n    from .keys import *",
        "zoo/keys.py": "import app.late",
        "zoo/cage.py": "((((",
        "aviary.py": "from .... import beyond",
        "rare.py": "",
        "model.bin": RANDOM.randbytes(2 << 20),
    }
    tree, body = write(tmp_path / "tree", files), bytearray()
    plan = Plan(python=(sys.version_info[0], sys.version_info[1]), handler="app/main.handler")
    built = build(tree, entries(tree), body.extend, plan)
    index = Index.parse(zstd.decompress(bytes(body[built.offset : built.offset + built.index_size])))
    sources = [file.path for file in index.files if file.path.endswith(".py")]
    wanted = ["app/__init__", "app/main", "zoo/__init__", "zoo/keys", "app/late", "aviary", "zoo/cage", "rare"]
    assert sources == [f"{name}.py" for name in wanted]
    assert index.files[0].path == "model.bin"
    needs = index.modules.needs
    assert index.begin < needs["app.main"] <= needs["rare"] == needs["zoo.cage"]


BIG = RANDOM.randbytes(3 << 20)
TIMED = Profile(
    touched=("a.py", "a.libs/liba.so", "b.py", "c.py", "model.bin"),
    milliseconds=(0, 1, 100, 200, 210),
    untouched=("cold.py", "cold.txt"),
)


def _timed(tmp_path: Path, more: dict[str, str | bytes]) -> tuple[Index, dict[str, set[str]]]:
    """Give an index and, for each module, the paths that are in place when its import may begin."""
    files: dict[str, str | bytes] = {"a.py": "", "b.py": BIG[::-1], "c.py": "1", "cold.py": "2", "cold.txt": "3"}
    files |= {"a.libs/liba.so": BIG, "model.bin": BIG[: 2 << 20], "small.json": "{}"}
    made = release(write(tmp_path, files | more), kind="nodejs", profile=TIMED)
    index = _index(made)
    held = [{index.files[n].path for one in frame.slices for n in one.files} for frame in index.frames]
    whole = {name: set().union(*held[:frames]) for name, frames in index.modules.needs.items()}
    return index, {
        name: {path for path in paths if path != "model.bin" or name == "c"} for name, paths in whole.items()
    }


def test_a_module_waits_for_itself_and_for_the_data_that_was_read_before_the_next_ones_turn(tmp_path: Path) -> None:
    index, in_place = _timed(tmp_path, {})
    assert {"a.py", "a.libs/liba.so"} <= in_place["a"]
    assert "b.py" not in in_place["a"]
    assert "b.py" in in_place["b"]
    assert "model.bin" in in_place["c"]
    assert "cold" not in index.modules.needs


def test_a_source_comes_with_its_bytecode_although_nobody_reads_it(tmp_path: Path) -> None:
    cached = f"a/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"
    profile = Profile(touched=(cached,), milliseconds=(5,), untouched=("a/__init__.py", "b.py"))
    index = _index(release(write(tmp_path, {"a/__init__.py": "x = 1\n", "b.py": ""}), profile=profile))
    slices = [one for frame in index.frames[: index.modules.needs["a"]] for one in frame.slices]
    assert {"a/__init__.py", cached} <= {index.files[n].path for one in slices for n in one.files}


def test_small_data_is_in_place_before_anything_is_imported(tmp_path: Path) -> None:
    index, _ = _timed(tmp_path, {})
    early = {index.files[n].path for frame in index.frames[: index.begin] for one in frame.slices for n in one.files}
    assert "small.json" in early
    assert "b.py" not in early


def test_data_that_no_start_was_seen_to_read_is_in_place_before_anything_is_imported(tmp_path: Path) -> None:
    index, _ = _timed(tmp_path, {"new.libs/libnew.so": BIG[5:]})
    early = {index.files[n].path for frame in index.frames[: index.begin] for one in frame.slices for n in one.files}
    assert "new.libs/libnew.so" in early


def test_a_module_that_no_start_was_seen_to_import_waits_for_everything_hot(tmp_path: Path) -> None:
    index, _ = _timed(tmp_path, {"new.py": "4"})
    assert index.modules.needs["new"] == index.hot


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
        build(tree, described, bytearray().extend, Plan(python=None))


def test_memory_is_a_few_frames_whatever_the_size(tmp_path: Path) -> None:
    tree = write(tmp_path, {"zeros": bytes(300 << 20)})
    written: list[int] = []
    code = (
        "import resource, sys; from pathlib import Path; from tests.applications import entries;"
        "from deployer.bundle import Plan, build; from datetime import timedelta;"
        "from deployer.model.entry import Entry;"
        f"tree = Path({str(tree)!r});"
        "entry = Entry(path='zeros', kind='file', mode=0o644, size=300 << 20, sha256='0' * 64);"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "build(tree, [entry], len, Plan(python=None, budget=timedelta(seconds=2)));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    written.append(int(output))
    assert written[0] < 150 << 10


@given(st.integers(1, 10**11), st.integers(1, 600), st.integers(1, 6))
def test_the_level_is_the_strongest_that_the_budget_allows(size: int, seconds: int, threads: int) -> None:
    pace = Pace(size, Plan(python=None, budget=timedelta(seconds=seconds), threads=threads))
    level = pace.level()
    needed = size / 1e6 / threads / seconds
    stronger = [speed for other, speed in pace.speeds.items() if other > level]
    assert all(speed < needed * 1.1 for speed in stronger)


def test_a_setting_that_no_start_looked_for_comes_first_all_the_same(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.py": "", "b.py": "1", "new.json": "{}", "b-1.dist-info/METADATA": "Name: b"}
    data: dict[str, str | bytes] = {"data.html": "x", "large.json": RANDOM.randbytes(70_000)}
    profile = Profile(touched=("a.py",), milliseconds=(5,), untouched=("b.py", *files, *data))
    index = _index(release(write(tmp_path / "tree", files | data), profile=profile, kind="nodejs"))
    early = {index.files[n].path for frame in index.frames[: index.begin] for one in frame.slices for n in one.files}
    assert {"new.json", "b-1.dist-info/METADATA"} <= early
    assert not early & {"data.html", "large.json", "b.py"}


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
            unpack.put(frame, memoryview(made.body)[position : position + frame.compressed], index.files, root)
            position += frame.compressed
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
        os.close(root)
    assert entries(tmp_path / "out") == entries(tmp_path / "tree")


def test_an_answer_without_a_profile_is_given_back_untouched() -> None:
    assert unwrap(b'{"a": 1}') == (b'{"a": 1}', None)
    assert unwrap(b"no json") == (b"no json", None)
    assert unwrap(b'{"response": 1, "dropshift": "rubbish"}') == (b"1", None)
