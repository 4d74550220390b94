"""Archives: strict readers for zip and tar, one pass, bounded, every problem at once.

    source → format by name and magic → entries (zip: directory first; tar: as they come)
           → one tree without duplicates, conflicts or links that leave → contents, or a refusal

Strict by intent: what two tools could read differently is refused, and everything that real tools
write is accepted. Pure but for the source that is read and the directory that `unpack` fills.
"""

from deployer.archive.reading import SUFFIXES, read
from deployer.archive.source import FileSource, Source
from deployer.archive.unpacking import Staging, unpack
from deployer.archive.values import Both, Contents, Entry, Format, Limits, Refusal, Sink

__all__ = [
    "SUFFIXES",
    "Both",
    "Contents",
    "Entry",
    "FileSource",
    "Format",
    "Limits",
    "Refusal",
    "Sink",
    "Source",
    "Staging",
    "read",
    "unpack",
]
