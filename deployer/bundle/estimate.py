"""About how much of a file compression leaves, by samples of it."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from backports import zstd

from deployer.bundle.pieces import PIECE, Estimate
from deployer.model.entry import Entry

SAMPLE = 32 << 10
BYTECODE = 0.4
"""Ratio of compressed to raw bytecode that we compile: the estimate does not need the bytecode itself."""


def estimates(tree: Path, files: Sequence[Entry], bytecode: frozenset[str], threads: int) -> Estimate:
    """Sample the middle of every piece of every file but for the bytecode that we made, which may not be there."""
    sampled = [entry for entry in files if entry.kind == "file" and entry.path not in bytecode]
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(partial(_shares, tree), sampled)
        shares = {entry.path: some for entry, some in zip(sampled, found, strict=True)}

    def estimate(entry: Entry, position: int, length: int) -> float:
        return length * (shares[entry.path][position // PIECE] if entry.path in shares else BYTECODE)

    return estimate


def _shares(tree: Path, entry: Entry) -> list[float]:
    """Return of each piece of a file the share that is left."""
    if not entry.size:
        return [0.0]
    shares = []
    source = os.open(f"{tree}/{entry.path}", os.O_RDONLY)
    for position in range(0, entry.size, PIECE):
        length = min(PIECE, entry.size - position)
        sample = os.pread(source, min(SAMPLE, length), position + max(0, length // 2 - SAMPLE // 2))
        shares.append(min(1.0, len(zstd.compress(sample, 1)) / len(sample)) if sample else 0.0)
    os.close(source)
    return shares
