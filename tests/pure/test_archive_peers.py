"""Wheels and zips that others hold to be hostile: each is refused with a way out, or is harmless for a reason."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deployer.inspection.archive import Limits, Refusal
from deployer.inspection.inspect import unpack_archive
from deployer.model.inspection import Inspection
from tests.pure.compatibility_cases import PYTHON
from tests.pure.hostile import Memory
from tests.pure.peer_archives import HARMLESS, REFUSED, RUNS, UNREAD

LIMITS = Limits(unpacked=2**24)
NAMES = {b"PK": "a.zip", b"\x1f\x8b": "a.tgz", b"\x28\xb5": "a.tar.zst"}
"""By an archive's first two bytes; those of a tar are a name's."""


def _cases(table: Mapping[str, Mapping[str, bytes]]) -> list[Any]:
    return [pytest.param(words, data, id=case) for words, cases in table.items() for case, data in cases.items()]


def _memory(data: bytes) -> Memory:
    return Memory(NAMES.get(data[:2], "a.tar"), data)


@pytest.mark.parametrize(("words", "data"), _cases(REFUSED))
def test_an_archive_that_others_refuse_is_refused_with_a_way_out(words: str, data: bytes, tmp_path: Path) -> None:
    refusal, entries = unpack_archive(_memory(data), LIMITS, PYTHON, tmp_path, 2**24)
    assert isinstance(refusal, Refusal)
    assert words in " | ".join(problem.found for problem in refusal.problems), refusal
    assert all(problem.allowed and problem.remedy for problem in refusal.problems)
    assert entries is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("reason", "data"), _cases(HARMLESS))
def test_an_archive_that_is_harmless_unpacks_to_the_files_that_every_reader_sees(
    reason: str, data: bytes, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    found, entries = unpack_archive(_memory(data), LIMITS, PYTHON, tree, 2**24)
    assert isinstance(found, Inspection), (found, reason)
    assert list(tmp_path.iterdir()) == [tree]
    files = {str(path.relative_to(tree)): path for path in tree.rglob("*") if path.is_file()}
    assert files.keys() == {entry.path for entry in entries or () if entry.kind != "directory"}
    if data.startswith(b"PK") and data is not UNREAD:
        with zipfile.ZipFile(io.BytesIO(data)) as read:
            theirs = {entry.filename: read.read(entry) for entry in read.infolist()}
        assert theirs == {path: _content(place) for path, place in files.items()}


def _content(path: Path) -> bytes:
    return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()


def test_no_code_of_a_release_runs_while_it_is_inspected(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(RUNS)
    command = [sys.executable, "-m", "deployer", "inspect", str(archive)]
    paths = {"PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, cwd=tmp_path, env=os.environ | paths, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
