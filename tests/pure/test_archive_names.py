"""Names, conflicts and links: the same rules for every format."""

import pytest

from deployer.inspection.archive import Limits
from tests.pure.hostile import Member, accepted, member, refused, tar_of, zip_of

GOOD = [
    "app.py", "a/b/c.py", "größe/日本.txt", "..dots", "dots..", "a/...", ".env", "100%.txt", "%2e%2e", "a b", "ab:c",
    "-rf", "~", "CON", "e\u0301", "é", "n" * 255, "/".join(["d" * 200] * 17),
]  # fmt: skip

BAD = {
    "../up": "'..' component",
    "a/../../up": "'..' component",
    "a/..": "'..' component",
    "..": "'..' component",
    "/etc/passwd": "absolute path",
    "//server/share": "absolute path",
    "C:/x": "drive letter",
    "c:x": "drive letter",
    "a\\b": "backslash",
    "..\\x": "backslash",
    "a\0b": "control character",
    "a\nb": "control character",
    "a\x7fb": "control character",
    "a\x9bb": "control character",
    "a//b": "empty or '.' component",
    "a/./b": "empty or '.' component",
    "././a": "empty or '.' component",
    "n" * 256: "component that is too long",
    "ü" * 128: "component that is too long",
    "/".join(["d" * 250] * 15): "path that is too long",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_name_that_is_one_path_everywhere_is_kept(name: str) -> None:
    contents = accepted("a.zip", zip_of(Member(name.encode())))
    assert contents.entries[0].path == name


@pytest.mark.parametrize(("name", "words"), BAD.items(), ids=[repr(name[:20]) for name in BAD])
def test_a_name_that_could_be_another_path_is_refused(name: str, words: str) -> None:
    problems = refused("a.zip", zip_of(Member(name.encode())))
    assert any(words in problem.found for problem in problems)


def test_a_name_that_is_not_utf8_is_refused_with_or_without_the_flag() -> None:
    for flags in (0, 0x800):
        assert "not UTF-8" in str(refused("a.zip", zip_of(Member(b"\x94.txt", flags=flags))))
    assert "not UTF-8" in str(refused("a.tar", tar_of(member(b"gr\xf6sse"))))


def test_what_a_refusal_shows_of_a_name_is_printable() -> None:
    problems = refused("a.zip", zip_of(Member(b"\x1b[31mred\r\n"), Member("\u202eevil".encode() + b"\\")))
    assert all(str(problem).isprintable() for problem in problems)


TREES = {
    # what it is: (entries as name → target of a link, or None for a file; words of what was found)
    "the same file twice": ([("a", None), ("a", None)], "same path twice"),
    "the same file written in two ways": ([("a", None), ("./a", None)], "same path twice"),
    "a file and a link": ([("a", None), ("a", "b")], "both a"),
    "a file in place of a directory": ([("lib/a", None), ("lib", None)], "below the file lib"),
    "a file below a file": ([("lib", None), ("lib.x", None), ("lib/a", None)], "below the file lib"),
    "a file below a link": ([("lib", "x"), ("lib/a", None), ("x/b", None)], "below the symlink lib"),
    "a link below a link": ([("z/a", None), ("lib", "z"), ("lib/b", "a")], "below the symlink lib"),
    "a link to the outside": ([("a", None), ("l", "../a")], "leaves the release"),
    "a link that goes out and in again": ([("a", None), ("d/l", "../../release/a")], "leaves the release"),
    "a link that leaves through a link": ([("a/b/c", None), ("up", "a/.."), ("l", "up/../x")], "leaves the release"),
    "a link to an absolute path": ([("a", None), ("l", "/proc/self/environ")], "absolute path"),
    "a link without a target": ([("a", None), ("l", "")], "without a target"),
    "a link with a control character": ([("a", None), ("l", "a\n")], "control character"),
    "a link with a backslash": ([("a", None), ("l", "..\\a")], "backslash"),
    "a link to itself": ([("a", None), ("l", "l")], "in a circle"),
    "two links in a circle": ([("a", None), ("x", "y"), ("y", "x")], "in a circle"),
    "too long a chain of links": (
        [("a", None), *((f"l{n}", f"l{n + 1}") for n in range(41)), ("l41", "a")],
        "in a circle",
    ),
}

FINE = {
    "a link upwards, still inside": [("app.py", None), ("node_modules/.bin/x", "../x/cli.js"), ("d/up", "..")],
    "a link to a directory": [("lib.1/a", None), ("lib", "lib.1")],
    "a link through a link": [("v1/bin/run", None), ("current", "v1"), ("run", "current/bin/run")],
    "a link to the root": [("a", None), ("all", ".")],
    "names that are prefixes of each other": [("lib", None), ("lib.py", None), ("lib-x/a", None)],
    "names that differ in case": [("A", None), ("a", None)],
}


def _pack(entries: list[tuple[str, str | None]]) -> bytes:
    return zip_of(
        *(
            Member(name.encode()) if target is None else Member(name.encode(), target.encode(), mode=0o120777)
            for name, target in entries
        )
    )


@pytest.mark.parametrize(("entries", "words"), TREES.values(), ids=TREES)
def test_entries_that_cannot_stand_beside_each_other_are_refused(
    entries: list[tuple[str, str | None]], words: str
) -> None:
    for order in (entries, entries[::-1]):
        problems = refused("a.zip", _pack(order))
        assert any(words in problem.found for problem in problems), problems


@pytest.mark.parametrize("entries", FINE.values(), ids=FINE)
def test_links_and_names_of_real_trees_are_kept(entries: list[tuple[str, str | None]]) -> None:
    contents = accepted("a.zip", _pack(entries))
    assert {(entry.path, entry.target) for entry in contents.entries} == set(entries)


def test_directories_that_paths_imply_are_bounded_like_entries() -> None:
    deep = zip_of(*(Member(f"{number}/a/b/c/d/f".encode(), b"") for number in range(20)))
    assert "100 directories implied" in str(refused("a.zip", deep, Limits(entries=20)))
    assert accepted("a.zip", deep, Limits(entries=100))


def test_links_too_entangled_to_follow_are_refused_in_time() -> None:
    knot = [(f"{n}", "/".join([f"{n + 1}"] * 300)) for n in range(400)]
    problems = str(refused("a.zip", _pack([*knot, ("400/a", None)])))
    assert "entangled" in problems or "circle" in problems


def test_many_problems_are_counted_after_the_first_hundred() -> None:
    problems = refused("a.zip", zip_of(*(Member(b"../%d" % number) for number in range(150))))
    assert len(problems) == 100
    assert "51 more problems" in str(problems[-1])
