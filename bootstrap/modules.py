"""Pure: which Python modules a bundle's files stand for, told by their paths."""

from typing import NamedTuple

from .index import Index
from .parts import Part

SUFFIXES = (".py", ".pyc", ".so")


class Modules(NamedTuple):
    """What an import has to wait for, in numbers of leading parts, and which names might be modules of the tree."""

    needs: dict[str, int]
    roots: list[str]
    """First parts of dotted names."""
    names: list[str]
    """Last parts of dotted names."""
    folders: dict[str, int]
    """Leading parts that hold the files right in a folder."""


def modules(index: Index, parts: list[Part]) -> Modules:
    """Translate the index's needs from frames to parts."""
    covering = [number + 1 for number, part in enumerate(parts) for _ in part.frames]
    needs = {name: covering[frames - 1] if frames else 0 for name, frames in index.needs.items()}
    dotted = [name.split(".") for name in (dotted_name(file.path) for file in index.files) if name]
    dotted += [path.partition(".")[0].split("/") for path, _ in index.links]
    roots, names = {name[0] for name in dotted}, {part for name in dotted for part in name}
    return Modules(needs, sorted(roots), sorted(names), _folders(index, covering))


def _folders(index: Index, covering: list[int]) -> dict[str, int]:
    """Give the folders that get files after the import has begun, and with which part the last of them."""
    last: dict[str, int] = {}
    for frame, part in zip(index.frames[index.begin :], covering[index.begin :], strict=True):
        for one in frame.slices:
            last |= {index.files[number].path.rpartition("/")[0]: part for number in one.files}
    return last


def needs_library_path(index: Index) -> bool:
    """Tell whether a shared library lies where a native deployment's LD_LIBRARY_PATH points: the root, or `lib`."""
    return any(
        folder in ("", "lib") and name.startswith("lib") and ".so" in name
        for folder, _, name in (file.path.rpartition("/") for file in index.files)
    )


def dotted_name(path: str) -> str:
    """Give the name a module has when the tree's root is on the path; nothing for what is no module."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    if not name.endswith(SUFFIXES) or (stem == "__init__" and not folder):
        return ""
    folders = folder.removesuffix("__pycache__").rstrip("/").split("/")
    return ".".join(part for part in (*folders, "" if stem == "__init__" else stem) if part)
