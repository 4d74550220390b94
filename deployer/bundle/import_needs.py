"""Pure: what an import has to wait for while a bundle arrives, told by the paths in it."""

from collections.abc import Sequence

from bootstrap.index import Frame, Modules
from deployer.bundle.layout import Layout, dotted_name


def modules(layout: Layout, frames: Sequence[Frame], reach: Sequence[int], begin: int) -> Modules:
    """Say it for a whole bundle; `reach` gives the leading frames that hold so many leading files."""
    paths = [entry.path for entry in layout.files]
    dotted = [name.split(".") for name in map(dotted_name, paths) if name]
    dotted += [entry.path.partition(".")[0].split("/") for entry in layout.links]
    return Modules(
        needs={name: reach[files] for name, files in layout.needs.items()},
        folders=_folders(paths, frames, begin),
        roots=sorted({name[0] for name in dotted}),
        names=sorted({part for name in dotted for part in name}),
        libraries=any(map(_is_library, paths)),
    )


def spread(frames: Sequence[Frame]) -> list[tuple[int, int]]:
    """Give the files that lie in several frames, each with the number of leading frames that hold it whole."""
    held: dict[int, list[int]] = {}
    for number, frame in enumerate(frames, 1):
        for one in frame.slices:
            for file in one.files:
                held.setdefault(file, []).append(number)
    return [(file, numbers[-1]) for file, numbers in sorted(held.items()) if len(numbers) > 1]


def _folders(paths: Sequence[str], frames: Sequence[Frame], begin: int) -> dict[str, int]:
    """Give the folders that get files after the import has begun, and with which frame the last of them."""
    last: dict[str, int] = {}
    for number, frame in enumerate(frames[begin:], begin + 1):
        for one in frame.slices:
            last |= {paths[file].rpartition("/")[0]: number for file in one.files}
    return last


def _is_library(path: str) -> bool:
    """Tell whether a shared library lies where a native deployment's LD_LIBRARY_PATH points: the root, or `lib`."""
    folder, _, name = path.rpartition("/")
    return folder in ("", "lib") and name.startswith("lib") and ".so" in name
