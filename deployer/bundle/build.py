"""Build a bundle: order the files, compile, cut into frames, compress, write, index."""

import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from backports import zstd

from bootstrap.index import SKIPPABLE, SKIPPABLE_HEADER, File, Frame, Index, columns
from deployer.bundle.bytecode import compile_sources
from deployer.bundle.compress import Compressed, compress_in_order
from deployer.bundle.frames import RawFrame, cut
from deployer.bundle.layout import Layout, lay_out
from deployer.bundle.plan import BuildOptions, Built
from deployer.model.entry import Entry

type Write = Callable[[bytes], object]


def build(tree: Path, entries: Sequence[Entry], write: Write, options: BuildOptions) -> Built:
    """Write the bundle of `tree` through `write`, in order; `tree` gains the bytecode that is shipped with it.

    `entries` describe `tree` exactly, sorted by path. Raises OSError when the tree cannot be read.
    """
    compiled = compile_sources(tree, entries, options)
    layout = lay_out([*entries, *compiled], options.profile)
    packed = compress_in_order(cut(tree, layout), sum(entry.size for entry in layout.files), options)
    return _write(layout, packed, write)


def _write(layout: Layout, packed: Iterable[tuple[RawFrame, Compressed]], write: Write) -> Built:
    frames = []
    for raw, compressed in packed:
        write(compressed.data)
        frames.append(Frame(len(compressed.data), len(raw.data), compressed.sha256, columns(raw.slices)))
    offset = sum(frame.compressed for frame in frames)
    index = Index(
        directories=[entry.path for entry in layout.directories],
        links=[(entry.path, entry.target or "") for entry in layout.links],
        files=[File(entry.path, entry.mode, entry.size) for entry in layout.files],
        frames=frames,
        first=layout.first,
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
