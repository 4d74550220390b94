"""A Python process that starts in a used environment runs what was verified, or loads it again."""

import os
from pathlib import Path

import pytest

from bootstrap import tree
from bootstrap.loader.directories import complete
from bootstrap.loader.restart import is_older
from tests.applications import call, dropped, invocation, release, reported, write
from tests.object_store import ObjectStore

APP = """\
import os, pathlib, shutil

def handler(event, context):
    data = pathlib.Path(__file__).with_name("data.txt")
    if event["n"] == 2:
        %s
    return data.read_text() if event["n"] == 1 else None
"""
CHANGES = {
    "content": "data.write_text('OTHER')",
    "content of the same length, and its times": (
        "seen = data.stat(); data.write_text('other'); os.utime(data, ns=(seen.st_atime_ns, seen.st_mtime_ns))"
    ),
    "a file too few": "data.unlink()",
    "a file too many": "data.with_name('json.py').touch()",
    "a link": "data.unlink(); data.symlink_to('/etc/hostname')",
    "the index": "next(pathlib.Path(__file__).parents[1].glob('*.complete')).write_bytes(b'')",
    "everything": "shutil.rmtree(data.parent)",
}


@pytest.mark.parametrize("change", [*CHANGES.values(), "pass"], ids=[*CHANGES, "nothing"])
def test_after_a_restart_what_runs_is_what_was_verified(tmp_path: Path, store: ObjectStore, change: str) -> None:
    files = {"app.py": APP % change, "data.txt": "whole", "package/__init__.py": ""}
    pointer = release(write(tmp_path / "tree", files)).stored(store)
    with dropped(pointer, store, tmp_path) as environment:
        call(environment, {"n": 1})
        reported(environment)
        environment.run(invocation({"n": 2}), 60)
        asked = len(store.requests)
        again = call(environment, {"n": 1})
        said = environment.log()
    assert again.answers == ["whole"]
    assert (len(store.requests) > asked) == (change != "pass")
    assert said.count("release.changed") == (change != "pass")


def test_the_marker_is_younger_than_the_last_byte(tmp_path: Path) -> None:
    """The kernel's times of changes have steps of milliseconds, in which most of these are made."""
    marked = [tree.Tree(str(tmp_path), str(number)) for number in range(100)]
    for one in marked:
        Path(one.directory).write_bytes(b"the last byte")
        complete(one, b"index")
    changed = [(Path(one.directory).stat().st_ctime_ns, Path(one.marker).stat().st_ctime_ns) for one in marked]
    assert not [last for last, marker in changed if not last < marker]


def test_what_is_no_older_than_the_marker_was_changed_since(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    seen = (tmp_path / "data").lstat()
    assert is_older(seen, seen.st_ctime_ns + 1)
    assert not is_older(seen, seen.st_ctime_ns)


def test_on_lambda_a_tree_lies_below_tmp_whatever_tmpdir_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shared = tmp_path / "link"
    shared.symlink_to("/var")
    for wanted, on_lambda, base in (
        ("/mnt/efs", tree.TASK_ROOT, tree.TEMPORARY),
        (f"{tree.TEMPORARY}/../var", tree.TASK_ROOT, tree.TEMPORARY),
        (str(shared), tree.TASK_ROOT, tree.TEMPORARY),
        (f"{tree.TEMPORARY}/own", tree.TASK_ROOT, f"{tree.TEMPORARY}/own"),
        ("/mnt/efs", "/elsewhere", "/mnt/efs"),
        ("", tree.TASK_ROOT, tree.TEMPORARY),
    ):
        monkeypatch.setenv("TMPDIR", wanted)
        monkeypatch.setenv("LAMBDA_TASK_ROOT", on_lambda)
        monkeypatch.setattr(os, "makedirs", lambda *_, **__: None)
        assert tree.of("0" * 64).base == f"{base}/dropshift"
