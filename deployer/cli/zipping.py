"""A tree as a zip archive: the same tree, the same bytes."""

import os
import stat
import zipfile
from pathlib import Path

LEFT_OUT = frozenset({"__pycache__", "node_modules"})
"""Folders that are left out, because they are made again: bytecode by the deployer, Node's packages by `npm ci`."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEVEL = 6


def write_zip(tree: Path, target: Path) -> int:
    """Pack the files and links of a tree, in the order of their names; return how many there are.

    Times and owners are no part of a release, and of the mode only whether a file can be executed.
    """
    names = sorted(_names(tree))
    part = target.with_name(f"{target.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name in names:
            _add(archive, tree / name, name)
    part.replace(target)
    return len(names)


def _names(tree: Path) -> list[str]:
    found = []
    for folder, folders, files in os.walk(tree):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        found += [(Path(folder) / name).relative_to(tree).as_posix() for name in (*files, *links)]
    return found


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3  # Unix, whatever this machine is: its attributes are modes
    entry.compress_type = zipfile.ZIP_DEFLATED
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, str(path.readlink()))
        return
    entry.external_attr = (stat.S_IFREG | (0o755 if mode & 0o100 else 0o644)) << 16
    entry.file_size = path.stat().st_size  # zipfile decides by it whether the entry needs zip64
    with path.open("rb") as source, archive.open(entry, "w") as packed:
        for piece in iter(lambda: source.read(1 << 20), b""):
            packed.write(piece)
