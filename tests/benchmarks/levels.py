"""Speed and ratio of one core's compression at each level: python -m tests.benchmarks.levels, from set A.

Where deployer/bundle/compress.py has its figures from; every fourth frame is taken.
"""

import time
from datetime import timedelta
from itertools import islice

from deployer.bundle.compress import SPEEDS, compress
from deployer.bundle.estimate import estimates
from deployer.bundle.frames import cut, read
from deployer.bundle.layout import lay_out
from deployer.bundle.pieces import pieces
from deployer.model.profile import Profile
from tests.applications import entries
from tests.benchmarks.sets import packed

EVERY = 4


def main() -> None:
    """Print a row a level."""
    tree = packed("A", timedelta(seconds=30)).tree
    described = entries(tree)
    stream = pieces(lay_out(described, Profile()), estimates(tree, described, frozenset(), 1))
    frames = [read(tree, frame) for frame in islice(cut(list(stream)), 0, None, EVERY)]
    size = sum(map(len, frames))
    print(f"{len(frames)} frames, {size / 1e6:.0f} MB")
    for level in SPEEDS:
        began = time.process_time()
        share = sum(len(compress(frame, level)) for frame in frames) / size
        speed = size / 1e6 / (time.process_time() - began)
        print(f"level {level:2}: {speed:6.1f} MB/s of one core, {share:.3f} of the size", flush=True)


if __name__ == "__main__":
    main()
