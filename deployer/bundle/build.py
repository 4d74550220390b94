"""Build a bundle: order the files, compile, cut into frames, compress, write, index."""

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from backports import zstd

from bootstrap.index import SKIPPABLE, SKIPPABLE_HEADER, File, Frame, Index, columns
from deployer.bundle.bytecode import compile_sources
from deployer.bundle.compress import Compressed, compress_in_order
from deployer.bundle.frames import RawFrame, cut
from deployer.bundle.import_needs import modules, spread
from deployer.bundle.import_order import guess
from deployer.bundle.layout import Layout, arrange
from deployer.bundle.plan import Built, Plan
from deployer.model.entry import Entry
from deployer.model.profile import Profile

type Write = Callable[[bytes], object]


def build(tree: Path, entries: Sequence[Entry], write: Write, plan: Plan) -> Built:
    """Write the bundle of `tree` through `write`, in order; `tree` gains the bytecode that is shipped with it.

    `entries` describe `tree` exactly, sorted by path. Raises OSError when the tree cannot be read.
    """
    compiled = compile_sources(tree, entries, plan)
    layout = arrange([*entries, *compiled], _profile(tree, [*entries, *compiled], plan))
    raw = cut(tree, layout)
    packed = compress_in_order(raw, sum(entry.size for entry in layout.files), plan)
    return _write(layout, packed, write)


def _profile(tree: Path, entries: Sequence[Entry], plan: Plan) -> Profile:
    """Give what was seen, or else what can be guessed of a Python application."""
    if plan.profile.touched or plan.profile.untouched or plan.handler is None or plan.python is None:
        return plan.profile
    return guess(tree, entries, plan.handler)


def _write(layout: Layout, packed: Iterable[tuple[RawFrame, Compressed]], write: Write) -> Built:
    written = list(_write_frames(packed, write))
    frames = [one.frame for one in written]
    offset = sum(frame.compressed for frame in frames)
    reach = _reach(frames, len(layout.files))
    begin = reach[layout.begin]
    index = Index(
        directories=[entry.path for entry in layout.directories],
        links=[(entry.path, entry.target or "") for entry in layout.links],
        files=[File(entry.path, entry.mode, entry.size) for entry in layout.files],
        frames=frames,
        begin=begin,
        hot=sum(one.hot for one in written),
        spread=spread(frames),
        modules=modules(layout, frames, reach, begin),
    )
    content = zstd.compress(index.encode(), 12)
    write(struct.pack("<II", SKIPPABLE, len(content)) + content)
    return Built(
        size=offset + SKIPPABLE_HEADER + len(content),
        offset=offset + SKIPPABLE_HEADER,
        index_size=len(content),
        index_sha256=hashlib.sha256(content).hexdigest(),
        files=len(layout.files),
        unpacked=sum(entry.on_disk for entry in layout.files),
        frames=len(frames),
    )


def _reach(frames: Sequence[Frame], files: int) -> list[int]:
    """Give, for every number of leading files, the number of leading frames that hold them."""
    last = [0] * files
    for number, frame in enumerate(frames):
        for one in frame.slices:
            for file in one.files:
                last[file] = number + 1
    return [0, *accumulate(last, max)]


class _Written(NamedTuple):
    frame: Frame
    hot: bool


def _write_frames(packed: Iterable[tuple[RawFrame, Compressed]], write: Write) -> Iterator[_Written]:
    for raw, compressed in packed:
        write(compressed.data)
        yield _Written(Frame(len(compressed.data), len(raw.data), compressed.sha256, columns(raw.slices)), raw.hot)
