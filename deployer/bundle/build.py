"""Build a bundle: order the files, compile, cut into frames, copy or compress these, write, index."""

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from backports import zstd

from bootstrap.index import SKIPPABLE, SKIPPABLE_HEADER, File, Frame, Index, columns
from deployer.bundle import recipe
from deployer.bundle.bytecode import Bytecode
from deployer.bundle.compress import STRONGEST, Compressed, Maker, Pace
from deployer.bundle.estimate import estimates
from deployer.bundle.frames import Frame as Cut
from deployer.bundle.frames import cut
from deployer.bundle.layout import Layout, lay_out
from deployer.bundle.pieces import Estimate, pieces
from deployer.bundle.plan import BuildOptions, Built
from deployer.bundle.recipe import Earlier, Stored
from deployer.model.entry import Entry

type Write = Callable[[bytes], object]
type Progress = Callable[[int, int], object]
"""Hears how many of how many raw bytes are done."""


class Reuse(NamedTuple):
    """An earlier bundle of the same application, runtime and schema, and what appends a frame of it to the new one."""

    earlier: Earlier
    copy: Callable[[Stored], object]


class _Plan(NamedTuple):
    layout: Layout
    frames: Sequence[Cut]
    bytecode: frozenset[str]


def _silent(_done: int, _total: int) -> None:
    pass


def build(
    tree: Path,
    entries: Sequence[Entry],
    write: Write,
    options: BuildOptions,
    reuse: Reuse | None = None,
    progress: Progress = _silent,
) -> Built:
    """Write the bundle of `tree` through `write`, in order; `tree` gains the bytecode that is shipped with it.

    `entries` describe `tree` exactly, sorted by path. Raises OSError when the tree cannot be read.
    """
    pace, stored = Pace(options), reuse.earlier.frames if reuse else {}
    bytecode = Bytecode(tree, entries, options, reuse.earlier if reuse else None)
    estimate = estimates(tree, entries, bytecode.paths, options.threads)
    plan = _plan(entries, bytecode, options, estimate)
    while bytecode.complete(piece.path for frame in plan.frames if pace.makes(frame, stored) for piece in frame.pieces):
        plan = _plan(entries, bytecode, options, estimate)
    pace.remaining = sum(frame.size for frame in plan.frames if frame.key not in stored)
    made = Maker(tree, pace, stored).in_order(plan.frames)
    return _finish(plan, _append(made, plan, write, reuse, progress), write)


def _plan(entries: Sequence[Entry], bytecode: Bytecode, options: BuildOptions, estimate: Estimate) -> _Plan:
    layout = lay_out([*entries, *bytecode.entries], options.profile)
    return _Plan(layout, list(cut(list(pieces(layout, estimate)))), bytecode.paths)


class _Written(NamedTuple):
    """A frame that is in the bundle."""

    frame: Cut
    length: int
    sha256: str
    level: int
    copied: bool


def _append(
    made: Iterable[tuple[Cut, Compressed | Stored]], plan: _Plan, write: Write, reuse: Reuse | None, progress: Progress
) -> Iterator[_Written]:
    done, total = 0, sum(frame.size for frame in plan.frames)
    for frame, one in made:
        if isinstance(one, Compressed):
            write(one.data)
            yield _Written(frame, len(one.data), one.sha256, one.level, copied=False)
        elif reuse:
            reuse.copy(one)
            yield _Written(frame, one.length, one.sha256, one.level, copied=True)
        done += frame.size
        progress(done, total)


def _finish(plan: _Plan, frames: Iterable[_Written], write: Write) -> Built:
    written, layout = list(frames), plan.layout
    offset = sum(one.length for one in written) + SKIPPABLE_HEADER
    index = Index(
        directories=[entry.path for entry in layout.directories],
        links=[(entry.path, entry.target or "") for entry in layout.links],
        files=[File(entry.path, entry.mode, entry.size) for entry in layout.files],
        frames=[Frame(one.length, one.frame.size, one.sha256, columns(one.frame.slices)) for one in written],
        first=layout.first,
    )
    content = zstd.compress(index.encode(), recipe.LEVEL)
    last = recipe.encode(layout.files, plan.bytecode, [(one.frame.key, one.level) for one in written])
    write(struct.pack("<II", SKIPPABLE, len(content)) + content + last)
    return Built(
        size=offset + len(content) + len(last),
        offset=offset,
        index_size=len(content),
        index_sha256=hashlib.sha256(content).hexdigest(),
        tail_sha256=hashlib.sha256(content + last).hexdigest(),
        files=len(layout.files),
        unpacked=sum(entry.on_disk for entry in layout.files),
        frames=len(written),
        copied=sum(one.copied for one in written),
        weak=sum(one.level < STRONGEST for one in written),
    )
