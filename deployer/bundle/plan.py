"""Pure: what a bundle is to be built for, and what was built."""

from datetime import timedelta
from pathlib import Path

from deployer.model.profile import Profile
from deployer.model.value import Value


class BuildOptions(Value):
    """For whom and how hard to compress."""

    python: tuple[int, int] | None
    """Version whose bytecode is shipped; None when the release is not Python."""
    pythons: Path = Path(__file__).parents[2] / "pythons"
    """Folder with a bare interpreter for each version that is not our own."""
    profile: Profile = Profile()
    budget: timedelta = timedelta(seconds=15)
    """Wall time to compile and compress; the level adapts to it."""
    threads: int = 2
    patient: bool = False
    """No release waits: as many frames as the budget allows are compressed as strongly as possible."""


class Built(Value):
    """The bundle that was written; all sizes in bytes."""

    size: int
    offset: int
    """Offset of the compressed index, in bytes."""
    index_size: int
    index_sha256: str
    tail_sha256: str
    """Of everything from the index to the end: index and recipe."""
    files: int
    unpacked: int
    """Size of the files on disk, in bytes."""
    frames: int
    copied: int
    """Frames that an earlier bundle had."""
    weak: int
    """Frames that could be compressed more strongly."""
