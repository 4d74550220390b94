"""754 archives that nobody here wrote, each with the verdict the profile asks for (see the corpus's README)."""

import csv
import gzip
import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.cli.main import main
from deployer.inspection.archive import Contents, Limits, read
from tests.pure.hostile import Memory

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
LIMITS = Limits(unpacked=2**30)
NAMES = {"zip": "release.zip", "tar": "release.tar.gz", "tar.gz": "release.tar.gz", "tar.zst": "release.tar.zst"}

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus is not beside this checkout")


def _tree(contents: Contents) -> str:
    """Return the digest of a tree as the corpus's score.py computes it."""
    leaves = [entry for entry in contents.entries if entry.kind != "directory"]
    lines = (f"{'L' if e.target else 'F'} {e.target or e.sha256} {e.path}\n" for e in leaves)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _archives() -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Return of every archive its name, its row in the manifest, and its bytes as the deployer takes them."""
    with (CORPUS / "manifest.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    with tarfile.open(CORPUS / "archives.tar.gz") as archives:
        for item in archives:
            row, data = rows.pop(item.name.removeprefix("./"), None), archives.extractfile(item)
            if row is not None and data is not None:
                content = data.read()
                yield item.name, row, gzip.compress(content, 1) if row["format"] == "tar" else content
    assert not rows, "archives that the manifest names are not there"


def test_every_archive_of_the_corpus_gets_its_verdict_and_its_tree() -> None:
    wrong = []
    for name, row, packed in _archives():
        found = read(Memory(NAMES[row["format"]], packed, 2**16), LIMITS)
        verdict = "accept" if isinstance(found, Contents) else "reject"
        if verdict != row["expected"] != "either":
            wrong.append((name, row["expected"], verdict))
        elif isinstance(found, Contents) and row["tree_sha256"] not in ("", _tree(found)):
            wrong.append((name, "another tree", verdict))
    assert not wrong


def test_the_command_line_gives_the_same_verdicts(tmp_path: Path) -> None:
    """Every EACHth of them: a process for each takes a while. EACH=1 does all."""
    each, wrong = int(os.environ.get("EACH", "40")), []
    for number, (name, row, packed) in enumerate(_archives()):
        if number % each:
            continue
        path, tree = tmp_path / f"{number}-{NAMES[row['format']]}", tmp_path / f"{number}"
        path.write_bytes(packed)
        status = main(["inspect", str(path), str(tree), "--limit", str(LIMITS.unpacked)])
        if status not in (0, 1) or ("accept", "reject")[status] != row["expected"] != "either":
            wrong.append((name, row["expected"], status))
        path.unlink()
        shutil.rmtree(tree, ignore_errors=True)
    assert not wrong
