"""Pure: one release on trial: its tree, its manifest, its function, and what is found against it."""

from collections.abc import Mapping, Sequence

from deployer.archive import Entry
from deployer.fitness.machine import Machine
from deployer.fitness.probe import Probe
from deployer.function import FunctionFacts
from deployer.manifest import Manifest
from deployer.values import Problem


class Trial:
    """What the checks look at, and where they put what they find."""

    def __init__(self, entries: Sequence[Entry], probe: Probe, manifest: Manifest, function: FunctionFacts) -> None:
        self.entries: Mapping[str, Entry] = {entry.path: entry for entry in entries}
        self.probe = probe
        self.manifest = manifest
        self.function = function
        self.machine = Machine.of(function)
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def object_to(self, where: str, found: str, allowed: str, remedy: str) -> None:
        """Note what keeps the release from running."""
        self.problems.append(Problem(where=where, found=found, allowed=allowed, remedy=remedy))

    def warn(self, text: str) -> None:
        """Note what may go wrong."""
        self.warnings.append(text)

    def file(self, path: str) -> Entry | None:
        """Return the file at a path, if there is one; links are followed where they lead to a file."""
        for _ in range(8):
            entry = self.entries.get(path)
            if entry is None or entry.kind == "file":
                return entry
            if entry.target is None:
                return None
            path = join(path.rpartition("/")[0], entry.target)
        return None

    def text(self, path: str) -> bytes | None:
        """Return a source file's bytes, if they were kept."""
        entry = self.file(path)
        return self.probe.text(entry.path) if entry else None

    def anywhere(self, path: str) -> str | None:
        """Return where, below other directories, a path can be found: the shortest such place."""
        ending = "/" + path
        return min((found for found in self.entries if found.endswith(ending)), key=len, default=None)


def join(directory: str, path: str) -> str:
    """Join and normalise two relative paths."""
    parts = directory.split("/") if directory else []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
