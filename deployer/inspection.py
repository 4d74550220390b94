"""One inspection for the rollout, for `validate` and for the offline command: whether it will run."""

from deployer import archive, fitness
from deployer.archive import Contents, Limits, Refusal, Source
from deployer.fitness import Start
from deployer.function import FunctionFacts
from deployer.manifest import NAME, Manifest, parse
from deployer.values import Value

_LARGEST_MANIFEST = 1 << 20


class Inspection(Value):
    """What an accepted archive is."""

    sha256: str
    size: int
    unpacked: int
    files: int
    manifest: Manifest
    start: Start
    """What the release becomes at cold start."""
    warnings: tuple[str, ...] = ()


class _Probe:
    """Keeps the manifest while the archive streams by."""

    def __init__(self) -> None:
        self.manifest: bytes | None = None
        self._keep = False

    def begin(self, path: str, size: int) -> None:
        self._keep = path == NAME and size <= _LARGEST_MANIFEST
        if self._keep:
            self.manifest = b""

    def write(self, piece: bytes) -> None:
        if self._keep:
            self.manifest = (self.manifest or b"") + piece

    def end(self) -> None:
        self._keep = False

    def repeat(self, path: str, earlier: str) -> None:
        """Hard links hold nothing new."""


def inspect(source: Source, limits: Limits, function: FunctionFacts) -> Inspection | Refusal:
    """Read an archive once and say what it is, or everything that speaks against it."""
    probe = _Probe()
    contents = archive.read(source, limits, probe)
    if isinstance(contents, Refusal):
        return contents
    manifest = parse(probe.manifest)
    if isinstance(manifest, tuple):
        return Refusal(problems=manifest)
    return _fit(contents, manifest, function)


def _fit(contents: Contents, manifest: Manifest, function: FunctionFacts) -> Inspection | Refusal:
    start = fitness.start(contents, manifest.application, function)
    if isinstance(start, tuple):
        return Refusal(problems=start)
    return Inspection(
        sha256=contents.sha256,
        size=contents.size,
        unpacked=contents.unpacked,
        files=sum(entry.kind == "file" for entry in contents.entries),
        manifest=manifest,
        start=start,
    )
