"""Pure: in which order a bundle holds its files, and how far each module's import reaches into it."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from deployer.model.entry import Entry
from deployer.model.profile import Profile

TESTS = frozenset({"tests", "test"})
SMALL = 1 << 20
"""Bytes; smaller data files come before anything is imported, for any module may look for them."""
SETTING = 64 << 10
"""Bytes; larger files are data."""
SETTINGS = frozenset({".cfg", ".conf", ".env", ".ini", ".json", ".properties", ".toml", ".yaml", ".yml"})
FUZZ = 25
"""Milliseconds by which two accesses may have been recorded in the wrong order: a few ticks of the file system."""
LATEST = 1 << 60
MODULES = (".py", ".pyc", ".so")


class Layout(NamedTuple):
    """The tree in bundle order. Counts are of leading files."""

    directories: Sequence[Entry]
    links: Sequence[Entry]
    files: Sequence[Entry]
    begin: int
    """What must be in place before anything is imported."""
    hot: int
    """What a start may touch."""
    needs: dict[str, int]
    """What a module's import may touch, by dotted name."""


def arrange(entries: Iterable[Entry], profile: Profile) -> Layout:
    """Order the files by the profile.

    A file is cold only where a real start was seen not to touch it: what is new in a release is hot. So are small
    settings all the same: whoever begins to look for one may do without it, silently. Where nobody watched a start,
    only test modules inside packages are cold: nothing looks for them but an import, and that waits.
    """
    nodes = {entry.path: entry for entry in entries}
    cold_paths = set(profile.untouched or filter(_is_test_module, nodes)) - _sources(profile)
    cold_paths = {path for path in cold_paths if path in nodes and not _is_setting(nodes[path])}
    moments = _moments(profile)
    files = [entry for entry in nodes.values() if entry.kind == "file"]
    first = [entry for entry in files if entry.path not in cold_paths and _is_first(entry, moments)]
    then = [entry for entry in files if entry.path not in cold_paths and not _is_first(entry, moments)]
    cold = [entry for entry in files if entry.path in cold_paths]
    then.sort(key=lambda entry: (moments.get(entry.path, LATEST), *_likeness(entry)))
    ordered = [*sorted(first, key=_likeness), *then, *sorted(cold, key=_likeness)]
    hot = len(first) + len(then)
    links = sorted((entry for entry in nodes.values() if entry.kind == "symlink"), key=lambda entry: entry.path)
    begin = len(first) if moments else hot
    return Layout(_directories(nodes), links, ordered, begin, hot, _needs(ordered, begin, hot, moments))


def _moments(profile: Profile) -> dict[str, int]:
    """Give when each file was needed; a source that only its bytecode was read for is needed with it."""
    if len(profile.milliseconds) != len(profile.touched):
        return {}
    times = dict(zip(profile.touched, profile.milliseconds, strict=True))
    bytecode = {_source_of(path): time for path, time in times.items() if path.endswith(".pyc")}
    return times | {path: time for path, time in bytecode.items() if not times.get(path)}


def _sources(profile: Profile) -> set[str]:
    """Give the sources of the bytecode that was read: nobody reads them, but an import looks whether they are there."""
    return {_source_of(path) for path in profile.touched if path.endswith(".pyc")}


def _source_of(path: str) -> str:
    folder, _, name = path.rpartition("/")
    parent = folder.removesuffix("__pycache__")
    return f"{parent}{name.partition('.')[0]}.py"


def _is_first(entry: Entry, moments: dict[str, int]) -> bool:
    """Tell whether a hot file must precede every import: small data, and data that no start was seen to read."""
    return not is_module(entry.path) and (entry.size < SMALL or entry.path not in moments)


def is_module(path: str) -> bool:
    """Tell whether only an import opens a file; a shared library may be opened by any other, so it is none."""
    return path.endswith((".py", ".pyc")) or (path.endswith(".so") and (".cpython-" in path or ".abi3." in path))


def dotted_name(path: str) -> str:
    """Give the name a module has when the tree's root is on the path; nothing for what is no module."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    if not name.endswith(MODULES) or (stem == "__init__" and not folder):
        return ""
    folders = folder.removesuffix("__pycache__").rstrip("/").split("/")
    return ".".join(part for part in (*folders, "" if stem == "__init__" else stem) if part)


def _is_setting(entry: Entry) -> bool:
    """Tell whether code may look for a file and go on without: a setting, or what a package tells of itself."""
    place = PurePosixPath(entry.path)
    told = place.suffix in SETTINGS or place.name.startswith(".env") or place.parent.suffix == ".dist-info"
    return told and entry.size < SETTING


def _needs(files: Sequence[Entry], begin: int, hot: int, moments: dict[str, int]) -> dict[str, int]:
    """Give how many leading files each hot module needs: itself, and all data read before the next module's turn."""
    numbered = [(number, entry.path) for number, entry in enumerate(files[:hot]) if dotted_name(entry.path)]
    turns = sorted({moments[path] for _, path in numbered if path in moments and is_module(path)})
    data = [n for n in range(begin, hot) if not is_module(files[n].path)]
    read = [moments.get(files[n].path, LATEST) for n in data]
    needs = dict.fromkeys(_namespaces(files), 0)
    for number, path in numbered:
        at = bisect_right(turns, moments.get(path, LATEST))
        until = turns[at] + FUZZ if at < len(turns) else LATEST
        reached = bisect_right(read, until)
        needed = max(number + 1, data[reached - 1] + 1 if reached else 0, begin)
        needed = needed if path in moments else hot
        needs[dotted_name(path)] = max(needs.get(dotted_name(path), 0), needed)
    return needs


def _namespaces(files: Sequence[Entry]) -> set[str]:
    """Give the packages without a module of their own: their folders are there from the start."""
    names = {dotted_name(entry.path) for entry in files} - {""}
    parents = {".".join(parts[:n]) for parts in (name.split(".") for name in names) for n in range(1, len(parts))}
    return parents - names


def _is_test_module(path: str) -> bool:
    """Tell whether a module lies in a `tests` folder of a package; one at the root may be the application's own."""
    folders = PurePosixPath(path).parts[1:-1]
    return not TESTS.isdisjoint(folders) and path.endswith((".py", ".pyc"))


def _likeness(entry: Entry) -> tuple[str, str]:
    """Sort like with like: files of one kind compress well together."""
    return PurePosixPath(entry.path).suffix, entry.path


def _directories(nodes: dict[str, Entry]) -> list[Entry]:
    """Give every directory, also those that the archive only implies, parents first."""
    paths = {path for path, entry in nodes.items() if entry.kind == "directory"}
    for path in nodes:
        paths.update(str(parent) for parent in PurePosixPath(path).parents)
    paths.discard(".")
    return [Entry(path=path, kind="directory", mode=0o755, size=0) for path in sorted(paths)]
