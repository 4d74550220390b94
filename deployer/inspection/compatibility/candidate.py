"""Pure: a candidate for release: its tree, its manifest, its function, and its problems."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from deployer.inspection.archive.findings import shown
from deployer.inspection.archive.tree_check import follow, links_of
from deployer.inspection.compatibility.probe import Native, Probe
from deployer.inspection.compatibility.runtime import Machine
from deployer.model.entry import Entry
from deployer.model.function import FunctionConfiguration
from deployer.model.manifest import NAME, Manifest
from deployer.model.problem import Problem

_LEFT_BY_MACOS = {"__MACOSX", ".DS_Store"}
_ENVIRONMENT = "pyvenv.cfg"
"""The file that makes a directory a virtual environment: PEP 405."""
_ENVIRONMENTS = 20
"""Virtual environments that are recognised."""


class Candidate:
    """The input of every check, and the place of their findings."""

    def __init__(
        self, entries: Sequence[Entry], probe: Probe, manifest: Manifest, function: FunctionConfiguration
    ) -> None:
        self.entries: Mapping[str, Entry] = {entry.path: entry for entry in entries}
        self._links = links_of(entries)
        self.probe = probe
        self.manifest = manifest
        self.function = function
        self.machine = Machine.of(function)
        named = islice(self._named(_ENVIRONMENT), _ENVIRONMENTS)
        self.environments = tuple(path.removesuffix(_ENVIRONMENT) for path in named)
        """Virtual environments below the root, each with a slash at its end: no file in them is imported."""
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def _named(self, name: str) -> Iterator[str]:
        return (path for path in self.entries if path.endswith("/" + name))

    def refuse(self, where: str, found: str, allowed: str, remedy: str) -> None:
        """Add a problem because of which the release cannot run."""
        self.problems.append(Problem.of(shown(where), found, allowed, remedy))

    def lack(self, where: str, found: str, allowed: str, remedy: str) -> None:
        """Add the problem of a missing file, with a hint at a manifest in another place that may name one."""
        manifest = self.anywhere(NAME) if NAME not in self.entries else None
        unread = f"; {shown(manifest)} was not read: it must be at the root of the archive" if manifest else ""
        self.refuse(where, found, allowed, remedy + unread)

    def warn(self, text: str) -> None:
        """Add a warning of a possible problem."""
        self.warnings.append(text)

    @property
    def natives(self) -> Mapping[str, Native]:
        """Native files that may be loaded."""
        return {path: native for path, native in self.probe.natives.items() if self.counts(path)}

    def kept(self, ending: str) -> list[str]:
        """Return the paths of kept files with an ending."""
        return [path for path in self.probe.kept(ending) if self.counts(path)]

    def counts(self, path: str) -> bool:
        """Return whether a file is outside of virtual environments."""
        return not path.startswith(self.environments)

    def file(self, path: str) -> Entry | None:
        """Return the file at a path, if there is one; links on the way are followed, as the kernel would."""
        led = follow("", path, self._links)
        entry = None if led.fault else self.entries.get(led.path)
        return entry if entry is not None and entry.kind == "file" else None

    def text(self, path: str) -> bytes | None:
        """Return a source file's bytes, if they were kept."""
        entry = self.file(path)
        return self.probe.text(entry.path) if entry else None

    def deeper(self, places: Sequence[str]) -> str | None:
        """Return the remedy for a file that is missing at all of these places, if it is below another directory."""
        folder = self._only_folder()
        command = f" (cd {shown(folder)} && zip -r ../app.zip .)" if folder else ""
        for place in places:
            if found := self.anywhere(place):
                above = shown(found.removesuffix("/" + place))
                return f"it is at {shown(found)}: pack what is inside {above}, not {above} itself{command}"
        return f"everything is in {shown(folder)}/: pack its content{command}" if folder else None

    def anywhere(self, path: str) -> str | None:
        """Return the shortest path below another directory that ends in this one; None if there is none."""
        return min(self._named(path), key=len, default=None)

    def _only_folder(self) -> str | None:
        """Return the one top directory that holds all files, if there is one."""
        files = [path for path, entry in self.entries.items() if entry.kind != "directory"]
        tops = {path.partition("/")[0] for path in files} - _LEFT_BY_MACOS
        top = tops.pop() if len(tops) == 1 and tops.isdisjoint(files) else None
        return top if f"{top}/" not in self.environments else None
