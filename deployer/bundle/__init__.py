"""Build the one form of a release that the bootstrap knows, from a tree that the archive reader unpacked.

Plan the order of files, compile Python sources, stream the tree as tar, cut it into frames, compress them on several
threads, write them in order, and close with the index. Memory is bounded by a few frames per thread, for any size.
"""

from deployer.bundle.build import Reuse, build
from deployer.bundle.plan import BuildOptions, Built
from deployer.bundle.recipe import Earlier, Stored
from deployer.model.profile import Profile

__all__ = ["BuildOptions", "Built", "Earlier", "Profile", "Reuse", "Stored", "build"]
