"""Pure: a candidate for release: its tree, its manifest, its function, and what is found against it."""

from collections.abc import Mapping, Sequence

from deployer.inspection.archive.tree_check import HOPS
from deployer.inspection.compatibility.probe import Probe
from deployer.inspection.compatibility.runtime import Machine
from deployer.model.entry import Entry
from deployer.model.function import FunctionConfiguration
from deployer.model.manifest import Manifest
from deployer.model.problem import Problem


class Candidate:
    """What the checks look at, and where they put what they find."""

    def __init__(
        self, entries: Sequence[Entry], probe: Probe, manifest: Manifest, function: FunctionConfiguration
    ) -> None:
        self.entries: Mapping[str, Entry] = {entry.path: entry for entry in entries}
        self.probe = probe
        self.manifest = manifest
        self.function = function
        self.machine = Machine.of(function)
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def refuse(self, where: str, found: str, allowed: str, remedy: str) -> None:
        """Note what keeps the release from running."""
        self.problems.append(Problem(where=where, found=found, allowed=allowed, remedy=remedy))

    def warn(self, text: str) -> None:
        """Note what may go wrong."""
        self.warnings.append(text)

    def file(self, path: str) -> Entry | None:
        """Return the file at a path, if there is one; links on the way are followed, as the kernel would."""
        at: list[str] = []
        todo = path.split("/")[::-1]
        links = 0
        while todo and links <= HOPS:
            component = todo.pop()
            if component == "..":
                del at[-1:]
            elif component not in ("", "."):
                at.append(component)
            entry = self.entries.get("/".join(at))
            if entry is not None and entry.target is not None:
                links += 1
                at.pop()
                todo.extend(entry.target.split("/")[::-1])
        entry = self.entries.get("/".join(at))
        return entry if entry is not None and entry.kind == "file" else None

    def text(self, path: str) -> bytes | None:
        """Return a source file's bytes, if they were kept."""
        entry = self.file(path)
        return self.probe.text(entry.path) if entry else None

    def anywhere(self, path: str) -> str | None:
        """Return where, below other directories, a path can be found: the shortest such place."""
        ending = "/" + path
        return min((found for found in self.entries if found.endswith(ending)), key=len, default=None)
