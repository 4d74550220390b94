"""Pure: which Python modules a bundle's files stand for, told by their paths."""

from typing import NamedTuple

from .index import Index

SUFFIXES = (".py", ".pyc", ".so")


class Modules(NamedTuple):
    """Dotted names that the hot files provide, and last parts of names that a cold file might provide."""

    early: list[str]
    late: list[str]


def modules(index: Index) -> Modules:
    """Sort names by what may still be missing when the hot files are in place; nothing when all files are hot."""
    if index.hot == len(index.frames):
        return Modules([], [])
    hot = {number for frame in index.frames[: index.hot] for one in frame.slices for number in one.files}
    early = {_dotted(file.path) for number, file in enumerate(index.files) if number in hot}
    late = set[str]()
    for number, file in enumerate(index.files):
        if number not in hot:
            late.update(_parts(file.path))
    return Modules(sorted(early), sorted(late))


def needs_library_path(index: Index) -> bool:
    """Tell whether a shared library lies where a native deployment's LD_LIBRARY_PATH points: the root, or `lib`."""
    return any(
        folder in ("", "lib") and name.startswith("lib") and ".so" in name
        for folder, _, name in (file.path.rpartition("/") for file in index.files)
    )


def _dotted(path: str) -> str:
    """Give the name a file has when the tree's root is on the path; files that are no modules get a name too."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    folders = folder.removesuffix("__pycache__").rstrip("/").split("/")
    return ".".join(part for part in (*folders, "" if stem == "__init__" else stem) if part)


def _parts(path: str) -> list[str]:
    *folders, name = path.split("/")
    return [*folders, name.partition(".")[0]] if name.endswith(SUFFIXES) else folders
