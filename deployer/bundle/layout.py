"""Pure: in which order a bundle holds its files. The order may make a start slower, never wrong."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from deployer.model.entry import Entry
from deployer.model.profile import Profile

TESTS = frozenset({"tests", "test"})
LARGE = 1 << 20
"""Bytes from which a file that no start was seen to read comes after the others."""
LATEST = 1 << 60
SMALL = 16 << 10
"""Bytes of a file up to which writing it takes no longer than leasing it would."""
LEASED = 6 * 860
"""Files that may arrive while the application runs, the largest; a process holds 860."""


class Layout(NamedTuple):
    """The tree in bundle order. Counts are of leading files."""

    directories: Sequence[Entry]
    links: Sequence[Entry]
    files: Sequence[Entry]
    first: int
    """Files that must be in place before the application begins."""
    hot: int
    """Those, and the files that a start is known to touch."""


def lay_out(entries: Iterable[Entry], profile: Profile) -> Layout:
    """Order the files: those that no process can wait for, then the hot ones as a start needs them, then the cold ones.

    A file is cold only if a recorded start did not read it; new files are hot. Without a recording, only test modules
    inside packages are cold.
    """
    nodes = {entry.path: entry for entry in entries}
    files = [entry for entry in nodes.values() if entry.kind == "file"]
    cold = set(profile.untouched or filter(_is_test_module, nodes))
    moments = _moments(profile)
    first = set(_first(files))
    groups = {entry.path: (entry.path not in first, entry.path in cold) for entry in files}
    files.sort(key=lambda entry: (*groups[entry.path], moments.get(entry.path, LATEST), *_likeness(entry)))
    links = sorted((entry for entry in nodes.values() if entry.kind == "symlink"), key=lambda entry: entry.path)
    hot = sum(entry.path in first or entry.path not in cold for entry in files)
    return Layout(_directories(nodes), links, files, len(first), hot)


def _first(files: Sequence[Entry]) -> Iterable[str]:
    """Return the files that are not leased: programs, small ones, and the smallest others where there are too many."""
    held = [entry for entry in files if not _is_program(entry)]
    yield from (entry.path for entry in files if _is_program(entry))
    held.sort(key=lambda entry: entry.size)
    small = sum(entry.size < SMALL for entry in held)
    yield from (entry.path for entry in held[: max(small, len(held) - LEASED)])


def _is_program(entry: Entry) -> bool:
    """Return whether a file may be executed, which fails at once while it is open for writing (execve(2), ETXTBSY)."""
    return bool(entry.mode & 0o111) and ".so" not in PurePosixPath(entry.path).name


def _moments(profile: Profile) -> dict[str, int]:
    """Return when each file was needed, in milliseconds."""
    if len(profile.milliseconds) != len(profile.touched):
        return {}
    return dict(zip(profile.touched, profile.milliseconds, strict=True))


def _is_test_module(path: str) -> bool:
    """Return whether a module lies in a `tests` folder of a package; one at the root may be the application's own."""
    folders = PurePosixPath(path).parts[1:-1]
    return not TESTS.isdisjoint(folders) and path.endswith((".py", ".pyc"))


def _likeness(entry: Entry) -> tuple[bool, str, str]:
    """Sort what is small first, and like with like: files of one kind compress well together."""
    return entry.size >= LARGE, PurePosixPath(entry.path).suffix, entry.path


def _directories(nodes: dict[str, Entry]) -> list[Entry]:
    """Return every directory, also those that the archive only implies, parents first."""
    paths = {path for path, entry in nodes.items() if entry.kind == "directory"}
    for path in nodes:
        parent = path.rpartition("/")[0]
        while parent and parent not in paths:
            paths.add(parent)
            parent = parent.rpartition("/")[0]
    return [Entry(path=path, kind="directory", mode=0o755, size=0) for path in sorted(paths)]
