"""754 archives that nobody here wrote, each with the verdict the profile asks for (see the corpus's README)."""

import csv
import gzip
import hashlib
import tarfile
from pathlib import Path

import pytest

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


def test_every_archive_of_the_corpus_gets_its_verdict_and_its_tree() -> None:
    with (CORPUS / "manifest.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    wrong = []
    with tarfile.open(CORPUS / "archives.tar.gz") as archives:
        for item in archives:
            row, data = rows.get(item.name.removeprefix("./")), archives.extractfile(item)
            if row is None or data is None:
                continue
            bytes_ = data.read()
            packed = gzip.compress(bytes_, 1) if row["format"] == "tar" else bytes_
            found = read(Memory(NAMES[row["format"]], packed, 2**16), LIMITS)
            verdict = "accept" if isinstance(found, Contents) else "reject"
            if verdict != row["expected"] != "either":
                wrong.append((item.name, row["expected"], verdict))
            elif isinstance(found, Contents) and row["tree_sha256"] not in ("", _tree(found)):
                wrong.append((item.name, "another tree", verdict))
            rows.pop(item.name.removeprefix("./"))
    assert not wrong
    assert not rows, "archives that the manifest names are not there"
