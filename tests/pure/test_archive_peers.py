"""Wheels and zips that others hold to be hostile: each is refused with a way out, or is harmless for a reason."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployer.inspection.archive import Limits, Refusal
from deployer.inspection.inspect import unpack_archive
from deployer.model.inspection import Inspection
from tests.pure.compatibility_cases import PYTHON
from tests.pure.hostile import Memory
from tests.pure.peer_archives import HARMLESS, REFUSED

UNREAD = "a version that no reader knows"
"""The one that Python's zipfile refuses."""
LIMITS = Limits(unpacked=2**24)


@pytest.mark.parametrize("case", REFUSED)
def test_an_archive_that_others_refuse_is_refused_with_a_way_out(case: str, tmp_path: Path) -> None:
    _, name, data, words = REFUSED[case]
    refusal, entries = unpack_archive(Memory(name, data), LIMITS, PYTHON, tmp_path, 2**24)
    assert isinstance(refusal, Refusal)
    assert words in " | ".join(problem.found for problem in refusal.problems), refusal
    assert all(problem.allowed and problem.remedy for problem in refusal.problems)
    assert entries is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("case", HARMLESS)
def test_an_archive_that_is_harmless_unpacks_to_the_files_that_every_reader_sees(case: str, tmp_path: Path) -> None:
    _, name, data, reason = HARMLESS[case]
    (tmp_path / "tree").mkdir()
    found, entries = unpack_archive(Memory(name, data), LIMITS, PYTHON, tmp_path / "tree", 2**24)
    assert isinstance(found, Inspection), (found, reason)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
    files = {
        str(path.relative_to(tmp_path / "tree")): path for path in (tmp_path / "tree").rglob("*") if path.is_file()
    }
    assert files.keys() == {entry.path for entry in entries or () if entry.kind != "directory"}
    if name.endswith(".zip") and case != UNREAD:
        with zipfile.ZipFile(io.BytesIO(data)) as read:
            theirs = {entry.filename: read.read(entry) for entry in read.infolist()}
        assert theirs == {path: _content(place) for path, place in files.items()}


def _content(path: Path) -> bytes:
    return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()


def test_no_code_of_a_release_runs_while_it_is_inspected(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(HARMLESS["code that runs when Python starts"][2])
    command = [sys.executable, "-m", "deployer", "inspect", str(archive)]
    paths = {"PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, cwd=tmp_path, env=os.environ | paths, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
