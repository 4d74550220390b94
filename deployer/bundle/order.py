"""Pure: in which order a bundle holds its files; hot ones first, similar ones side by side."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from deployer.archive.values import Entry
from deployer.bundle.plan import Plan

TESTS = frozenset({"tests", "test"})


class Layout(NamedTuple):
    """The tree in bundle order; `hot` counts the leading files that a start may touch."""

    directories: Sequence[Entry]
    links: Sequence[Entry]
    files: Sequence[Entry]
    hot: int


def arrange(entries: Iterable[Entry], plan: Plan) -> Layout:
    """Order the files by the profile.

    A file is cold only where a real start was seen not to touch it: what is new in a release is hot. Without a profile
    only test modules inside packages are taken to be cold: nothing looks for them but an import, and that waits.
    """
    nodes = {entry.path: entry for entry in entries}
    cold_paths = set(plan.profile.untouched or filter(_is_test_module, nodes))
    files = [entry for entry in nodes.values() if entry.kind == "file"]
    hot = [entry for entry in files if entry.path not in cold_paths]
    cold = [entry for entry in files if entry.path in cold_paths]
    rank = {path: number for number, path in enumerate(plan.profile.touched)}
    hot.sort(key=lambda entry: (rank.get(entry.path, len(rank)), *_likeness(entry)))
    cold.sort(key=_likeness)
    links = sorted((entry for entry in nodes.values() if entry.kind == "symlink"), key=lambda entry: entry.path)
    return Layout(_directories(nodes), links, [*hot, *cold], len(hot))


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
