"""For every tree and every tool: the entries read are those that were packed, and they can be unpacked again."""

import hashlib
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.inspection.archive import Contents, FileSource, Limits, unpack
from tests.pure.packers import PACKERS, Packer

Leaf = tuple[bytes, bool] | str
"""A file's bytes and whether it is executable, or where a link points."""
Tree = dict[str, Leaf]

LONG = "/".join(["long-directory-name"] * 9)
RICH: Tree = {
    "app.py": (b"def handler(event, context):\n    return event\n", False),
    "bin/run": (b"#!/bin/sh\n", True),
    "größe/naïve 日本.txt": (b"hi", False),
    "blob.bin": (bytes(range(256)) * 300, False),
    "zeros": (bytes(300_000), False),
    "empty": (b"", False),
    f"{LONG}/f.txt": (b"deep", False),
    "n" * 200: (b"long", False),
    "package.json": (b'{"name": "x", "version": "1.0.0"}', False),
    "link": "app.py",
    "bin/up": "../app.py",
    "l" * 120: f"{LONG}/f.txt",
}

_letters = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\\:")
# zip takes "-" for its standard input, wherever it finds it
_component = st.text(_letters, min_size=1, max_size=40).filter(
    lambda text: text not in (".", "..", "-") and not text.lower().startswith(".git")
)
_paths = st.lists(_component, min_size=1, max_size=4).map("/".join)
_files = st.tuples(st.binary(max_size=4_000), st.booleans())


def _consistent(files: dict[str, tuple[bytes, bool]], links: dict[str, int]) -> Tree:
    """Drop paths below other leaves, files before links, and let links point at files."""
    tree: Tree = {}
    for path in (*sorted(files), *sorted(links)):
        above = any(str(parent) in tree for parent in PurePosixPath(path).parents)
        if not above and path not in tree and not any(other.startswith(path + "/") for other in tree):
            targets = [place for place, leaf in tree.items() if not isinstance(leaf, str)]
            tree[path] = files[path] if path in files else _relative(path, targets[links[path] % len(targets)])
    return tree


def _relative(path: str, target: str) -> str:
    return "../" * path.count("/") + target


_trees = st.builds(
    _consistent,
    st.dictionaries(_paths, _files, min_size=1, max_size=8),
    st.dictionaries(_paths, st.integers(min_value=0), max_size=3),
)


def _build(tree: Tree, root: Path) -> None:
    for path, leaf in tree.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(leaf, str):
            place.symlink_to(leaf)
        else:
            place.write_bytes(leaf[0])
            place.chmod(0o755 if leaf[1] else 0o644)


def _leaves(root: Path) -> Tree:
    """Read a tree back from the disk."""
    return {
        path.relative_to(root).as_posix(): (
            str(path.readlink()) if path.is_symlink() else (path.read_bytes(), bool(path.stat().st_mode & 0o111))
        )
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def _check(packer: Packer, tree: Tree) -> None:
    kept = {path: leaf for path, leaf in tree.items() if packer.links or not isinstance(leaf, str)}
    with tempfile.TemporaryDirectory() as name:
        root, out, back = Path(name, "tree"), Path(name, f"release{packer.suffix}"), Path(name, "back")
        root.mkdir()
        back.mkdir()
        _build(kept, root)
        packer.pack(root, out)
        contents = unpack(FileSource(out), back, Limits())
        assert isinstance(contents, Contents), contents
        assert _leaves(back) == {packer.prefix + path: leaf for path, leaf in kept.items()}
        assert contents.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
        digests = {e.path: e.sha256 for e in contents.entries if e.kind == "file"}
        files = {path: leaf for path, leaf in kept.items() if not isinstance(leaf, str)}
        assert digests == {packer.prefix + p: hashlib.sha256(leaf[0]).hexdigest() for p, leaf in files.items()}


def _installed(packer: Packer) -> None:
    if packer.missing():
        pytest.skip(f"{packer.missing()} is not installed; see tests/pure/packers.py")


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
def test_a_tree_packed_by_any_tool_comes_out_as_it_went_in(packer: Packer) -> None:
    _installed(packer)
    _check(packer, RICH)


INSIDE = {name: packer for name, packer in PACKERS.items() if not packer.needs}
OUTSIDE = {
    name: PACKERS[name] for name in ("zip", "7z", "bsdtar", "bsdtar zip", "GNU tar", "Go archive/zip", "npm jszip")
}


@pytest.mark.parametrize("packer", INSIDE.values(), ids=INSIDE)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=_trees)
def test_any_tree_comes_out_of_python_packers_as_it_went_in(packer: Packer, tree: Tree) -> None:
    _check(packer, tree)


@pytest.mark.parametrize("packer", OUTSIDE.values(), ids=OUTSIDE)
@settings(max_examples=6, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=_trees)
def test_any_tree_comes_out_of_other_packers_as_it_went_in(packer: Packer, tree: Tree) -> None:
    _installed(packer)
    _check(packer, tree)
