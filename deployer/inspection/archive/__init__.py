"""Archives: strict readers for zip and tar, one pass, bounded, every problem at once.

    source → format by name and magic → entries (zip: directory first; tar: as they come)
           → one tree without duplicates, conflicts or links that leave → contents, or a refusal

Strict by intent: archives that two tools could read differently are refused; everything that real tools write is
accepted. Pure, except for the source that is read and the directory that `unpack` fills.
"""

from deployer.inspection.archive.contents import Contents, Limits, Refusal
from deployer.inspection.archive.read import read
from deployer.inspection.archive.source import FileSource, HashedStream, Source
from deployer.inspection.archive.unpack import STAGING, Staging, unpack

__all__ = [
    "STAGING",
    "Contents",
    "FileSource",
    "HashedStream",
    "Limits",
    "Refusal",
    "Source",
    "Staging",
    "read",
    "unpack",
]
