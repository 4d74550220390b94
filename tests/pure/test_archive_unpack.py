"""An archive unpacks to the entries read, and to nothing before the whole of it is accepted."""

import os
import sys
from pathlib import Path

import pytest

from deployer.inspection.archive import Contents, Limits, Refusal, unpack
from tests.pure.hostile import DATA, Member, Memory, long_name, member, tgz_of, zip_of

UNPACK = sys.modules["deployer.inspection.archive.unpack"]
"""The module: its package gives this name to the function."""

BIG = bytes(range(256)) * 1024
TREE = zip_of(
    Member(b"app.py", method=8),
    Member(b"bin/run", mode=0o104755),
    Member(b"model.bin", BIG, method=8),
    Member(b"bin/app", b"../app.py", mode=0o120777),
    Member(b"empty/", b"", mode=0o40700),
    Member(b"a/b/c/d", b""),
)


def _unpack(name: str, data: bytes, directory: Path) -> Contents | Refusal:
    return unpack(Memory(name, data), directory, Limits(unpacked=2**24))


def test_the_tree_holds_every_file_mode_and_link(tmp_path: Path) -> None:
    contents = _unpack("a.zip", TREE, tmp_path)
    assert isinstance(contents, Contents)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {entry.path for entry in contents.entries} | {"bin", "a", "a/b", "a/b/c"}
    assert (tmp_path / "app.py").read_bytes() == (tmp_path / "bin/app").read_bytes() == DATA
    assert (tmp_path / "model.bin").read_bytes() == BIG
    assert (tmp_path / "bin/app").readlink() == Path("../app.py")
    assert {
        name: (tmp_path / name).stat().st_mode & 0o7777 for name in ("app.py", "bin/run", "model.bin", "empty")
    } == {"app.py": 0o644, "bin/run": 0o755, "model.bin": 0o644, "empty": 0o755}


@pytest.mark.parametrize("waiting", [0, UNPACK.WAITING])
def test_hard_links_become_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int) -> None:
    monkeypatch.setattr(UNPACK, "WAITING", waiting)
    data = tgz_of(
        member(b"a", BIG),
        member(b"b", DATA),
        member(b"x/a", type=b"1", link=b"a"),
        member(b"x/b", type=b"1", link=b"b"),
    )
    assert isinstance(_unpack("a.tgz", data, tmp_path), Contents)
    assert (tmp_path / "x/a").read_bytes() == BIG
    assert (tmp_path / "x/b").read_bytes() == DATA


def test_a_refused_archive_leaves_nothing_behind(tmp_path: Path) -> None:
    late = tgz_of(member(b"a", BIG), member(b"b", DATA), member(b"../c", DATA))
    cut = tgz_of(member(b"a", BIG * 9))[:-20]
    for data in (late, cut):
        assert isinstance(_unpack("a.tgz", data, tmp_path), Refusal)
        assert not list(tmp_path.iterdir())


def test_a_path_as_long_as_allowed_fits_below_any_directory(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["outer" * 40] * 2)
    deep.mkdir(parents=True)
    name = "/".join(["d" * 200] * 17).encode()
    assert isinstance(_unpack("a.tgz", tgz_of(long_name(name), member(name[:100], DATA)), deep), Contents)
    below = os.open(deep, os.O_RDONLY)
    with os.fdopen(os.open(name.decode(), os.O_RDONLY, dir_fd=below), "rb") as file:
        assert file.read() == DATA
    os.close(below)


def test_what_is_unpacked_under_a_tight_umask_is_readable(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert isinstance(_unpack("a.zip", TREE, tmp_path), Contents)
    finally:
        os.umask(before)
    assert (tmp_path / "bin").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "app.py").stat().st_mode & 0o777 == 0o644
