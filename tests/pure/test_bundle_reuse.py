"""A bundle copies what an earlier one holds, and only that: it is the same as one that was made anew."""

import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from backports import zstd

from bootstrap.index import Index
from deployer.bundle import BuildOptions, Built, Earlier, Profile, Reuse, Stored, build
from deployer.bundle.frames import cut
from deployer.bundle.pieces import Piece
from deployer.inspection.archive import Contents, Limits, unpack
from deployer.model.entry import Entry
from tests.applications import contents, entries, write
from tests.pure.hostile import Memory

RANDOM = random.Random(7)  # noqa: S311 - bytes that do not compress, not a secret
PATIENT = BuildOptions(python=None, patient=True, budget=timedelta(minutes=5))


class Bundle:
    """A bundle, and how it was made."""

    def __init__(
        self, tree: Path, options: BuildOptions, earlier: "Bundle | None" = None, found: Sequence[Entry] = ()
    ) -> None:
        self.body = bytearray()
        self.copied: list[Stored] = []
        reuse = Reuse(earlier.recipe, lambda frame: self._copy(earlier, frame)) if earlier else None
        self.built: Built = build(tree, found or entries(tree), self.body.extend, options, reuse)

    def _copy(self, earlier: "Bundle", frame: Stored) -> None:
        self.copied.append(frame)
        self.body += earlier.body[frame.offset : frame.offset + frame.length]

    @property
    def recipe(self) -> Earlier:
        found = Earlier.parse(bytes(self.body[self.built.offset :]), self.built.index_size)
        assert found
        return found

    @property
    def contents(self) -> dict[str, bytes]:
        return contents(bytes(self.body), self.built.offset, self.built.index_size)


def on_disk(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def text(lines: int, seed: int) -> str:
    """Return lines of which every hundred are the same: they take little time to make and to compress."""
    some = random.Random(seed)  # noqa: S311 - test data
    return "".join(f"value_{some.randrange(1 << 30)} = {some.random()}\n" for _ in range(100)) * (lines // 100)


@pytest.fixture(scope="module")
def files() -> dict[str, str | bytes]:
    made: dict[str, str | bytes] = {f"lib_{n % 9}/part_{n}.txt": text(2_000, n) for n in range(300)}
    return {**made, "large.bin": RANDOM.randbytes(7 << 20), "app.py": "def handler(event, context): ...\n"}


PLAIN = BuildOptions(python=None)


def test_the_same_tree_is_copied_whole(files: dict[str, str | bytes], tmp_path: Path) -> None:
    tree = write(tmp_path, files)
    first = Bundle(tree, PLAIN)
    again = Bundle(tree, PLAIN, first)
    assert again.built.copied == again.built.frames == first.built.frames > 8
    assert again.body == first.body


def packed(tree: Path, form: str) -> bytes:
    archive = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            for path in sorted(tree.rglob("*"), reverse=True):
                if path.is_file():
                    made.write(path, path.relative_to(tree))
        return archive.getvalue()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(tree, ".")
    return gzip.compress(archive.getvalue(), 1) if form == "tar.gz" else zstd.compress(archive.getvalue())


def test_the_same_tree_is_copied_whole_whatever_archive_it_came_in(
    files: dict[str, str | bytes], tmp_path: Path
) -> None:
    given = write(tmp_path / "given", files)
    (given / "lib_3/run").write_text("#!/bin/sh\n")
    (given / "lib_3/run").chmod(0o755)
    made = list[Bundle]()
    for form in ("zip", "tar.gz", "tar.zst"):
        tree = tmp_path / form
        tree.mkdir()
        found = unpack(Memory(f"1.0.{form}", packed(given, form), 1 << 20), tree, Limits(unpacked=1 << 30))
        assert isinstance(found, Contents)
        made.append(Bundle(tree, PLAIN, made[-1] if made else None, found.entries))
    assert [one.built.copied for one in made] == [0, made[0].built.frames, made[0].built.frames]
    assert made[0].body == made[1].body == made[2].body


@pytest.mark.parametrize("change", ["changed", "changed in place", "added", "removed", "grown"])
def test_a_change_makes_the_frames_near_it_anew_and_no_others(
    files: dict[str, str | bytes], change: str, tmp_path: Path
) -> None:
    first = Bundle(write(tmp_path / "first", files), PLAIN)
    other = {**files, "lib_4/part_103.txt": text(2_000, 999)}
    if change == "added":
        other = {**files, "lib_4/part_103b.txt": text(100, 999)}
    elif change == "removed":
        other = {name: content for name, content in files.items() if name != "lib_4/part_103.txt"}
    elif change == "changed in place":
        other["lib_4/part_103.txt"] = bytes(reversed(str(files["lib_4/part_103.txt"]).encode()))
    elif change == "grown":
        other["lib_4/part_103.txt"] = text(9_000, 999)
    tree = write(tmp_path / "second", other)
    second = Bundle(tree, PLAIN, first)
    assert second.built.frames - second.built.copied <= 4
    assert second.contents == on_disk(tree)


def test_bytecode_of_unchanged_sources_is_copied_without_being_made(tmp_path: Path) -> None:
    sources: dict[str, str | bytes] = {f"lib/m{n}.py": f'TEXT = """{text(3_000, n)}"""' for n in range(60)}
    python = BuildOptions(python=(3, 13))
    first = Bundle(write(tmp_path / "first", sources), python)
    tree = write(tmp_path / "second", {**sources, "lib/m30.py": "VALUE = 1\n"})
    second = Bundle(tree, python, first)
    made = {path for path in on_disk(tree) if path.endswith(".pyc")}
    assert "lib/__pycache__/m30.cpython-313.pyc" in made
    assert len(made) < len(sources)
    fresh = write(tmp_path / "fresh", {**sources, "lib/m30.py": "VALUE = 1\n"})
    wanted = Bundle(fresh, python).contents
    assert second.contents.keys() == wanted.keys()
    same = [path for path, content in wanted.items() if second.contents[path] == content]
    assert set(wanted) - set(same) <= {path for path in wanted if path.endswith(".pyc")}
    assert second.contents["lib/m30.py"] == b"VALUE = 1\n"
    assert second.contents["lib/__pycache__/m30.cpython-313.pyc"] == wanted["lib/__pycache__/m30.cpython-313.pyc"]


def test_time_that_is_left_makes_what_is_copied_next_stronger(files: dict[str, str | bytes], tmp_path: Path) -> None:
    tree = write(tmp_path, {name: content for name, content in files.items() if name < "lib_2"})
    first = Bundle(tree, PLAIN)
    stronger = Bundle(tree, PATIENT, first)
    assert first.built.weak
    assert stronger.built.weak == 0
    assert len(stronger.body) < len(first.body)
    next_one = Bundle(tree, PLAIN, stronger)
    assert next_one.body == stronger.body
    assert stronger.contents == first.contents == on_disk(tree)


def test_a_profile_moves_only_the_files_that_it_calls_cold(files: dict[str, str | bytes], tmp_path: Path) -> None:
    tree = write(tmp_path, files)
    cold = tuple(name for name in files if name.startswith(("lib_7", "lib_8")))
    profile = Profile(untouched=cold)
    first = Bundle(tree, PLAIN.model_copy(update={"profile": profile}))
    second = Bundle(
        tree, PLAIN.model_copy(update={"profile": profile.model_copy(update={"untouched": cold[1:]})}), first
    )
    assert second.built.frames - second.built.copied <= 6
    assert second.contents == on_disk(tree)


START = Profile(touched=("a", "b", "c"), milliseconds=(0, 5, 9), untouched=("d", "e"))


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (START.model_copy(update={"touched": ("c", "a", "b"), "milliseconds": (0, 1, 30)}), START),
        (
            Profile(touched=("b", "d", "a", "c"), milliseconds=(0, 7, 8, 9), untouched=("e",)),
            Profile(touched=("a", "b", "d", "c"), milliseconds=(0, 5, 7, 9), untouched=("e",)),
        ),
        (another := Profile(touched=("d", "a", "b"), milliseconds=(0, 1, 2), untouched=("c", "e")), another),
        (untimed := Profile(touched=("c", "b", "a"), untouched=("d", "e")), untimed),
    ],
    ids=["other times", "one file more", "a third left out", "no times"],
)
def test_the_order_stays_while_starts_touch_the_same_files(found: Profile, kept: Profile) -> None:
    assert found.following(START) == kept


@pytest.mark.parametrize("name", ["FORM", "SCHEMA"])
def test_a_recipe_of_another_form_or_schema_is_none(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Bundle(write(tmp_path, {"app.py": "x = 1\n"}), PLAIN)
    tail = bytes(made.body[made.built.offset :])
    assert Earlier.parse(tail, made.built.index_size)
    monkeypatch.setattr(f"deployer.bundle.recipe.{name}", 99)
    assert Earlier.parse(tail, made.built.index_size) is None


def piece(number: int, size: int) -> Piece:
    return Piece(b"", f"file_{number}", "", 0, size, size, [number], size / 4, 0)


def _moved(seed: int) -> int:
    """Return how many frames begin elsewhere after a file was added to a thousand."""
    some = random.Random(seed)  # noqa: S311 - test data
    before = [piece(number, some.randrange(512, 400_000)) for number in range(1_000)]
    place = some.randrange(200, 400)
    begins = {frame.pieces[0].path for frame in cut(before)}
    after = cut([*before[:place], piece(-1, 300_000), *before[place:]])
    return sum(frame.pieces[0].path not in begins for frame in after)


def test_cuts_come_together_again_after_a_file_was_added() -> None:
    moved = [_moved(seed) for seed in range(20)]
    assert sum(moved) / len(moved) <= 4
    assert max(moved) <= 12


def test_a_frame_holds_no_more_than_it_may(files: dict[str, str | bytes], tmp_path: Path) -> None:
    made = Bundle(write(tmp_path, files), PLAIN)
    index = Index.parse(zstd.decompress(made.body[made.built.offset :][: made.built.index_size]))
    assert max(frame.raw for frame in index.frames) <= 8 << 20
    assert max(frame.compressed for frame in index.frames) <= 3 << 20
