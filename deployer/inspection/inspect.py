"""One inspection for the rollout, for `validate` and for the offline command: structure, manifest, compatibility."""

from contextlib import closing
from pathlib import Path

from deployer.inspection import archive, compatibility
from deployer.inspection.archive import Contents, Limits, Refusal, Source, Staging
from deployer.inspection.compatibility import Accepted, Probe
from deployer.inspection.compatibility.probe import SOURCE
from deployer.model.entry import Entry
from deployer.model.function import FunctionConfiguration
from deployer.model.inspection import Inspection, Sound
from deployer.model.manifest import NAME, Manifest
from deployer.model.manifest_file import parse
from deployer.model.problem import Problem
from deployer.model.toml import LARGEST


def inspect_archive(source: Source, limits: Limits, function: FunctionConfiguration) -> Inspection | Refusal:
    """Read an archive once; return the result of its inspection, or all its problems."""
    with closing(Probe()) as probe:
        contents = archive.read(source, limits, probe)
        return contents if isinstance(contents, Refusal) else inspect_contents(contents, probe, function)


def unpack_archive(
    source: Source, limits: Limits, function: FunctionConfiguration | None, directory: Path, room: int | None = None
) -> tuple[Sound | Refusal, tuple[Entry, ...] | None]:
    """Inspect and unpack an archive in one reading; return also what was unpacked, None if it takes more than `room`.

    Without a function, compatibility is not checked.
    """
    with closing(Probe()) as probe, Staging(directory, room) as staging:
        contents = archive.read(source, limits, staging, probe)
        if isinstance(contents, Refusal):
            return contents, None
        found = inspect_contents(contents, probe, function) if function else _sound_with_manifest(contents, probe)
        if isinstance(found, Refusal) or staging.full:
            return found, None
        staging.place(contents.entries)
        return found, contents.entries


def inspect_contents(contents: Contents, probe: Probe, function: FunctionConfiguration) -> Inspection | Refusal:
    """Return the inspection of a sound archive, which the probe has read, or why it will not run."""
    manifest = manifest_of(contents, probe)
    if isinstance(manifest, tuple):
        return Refusal(problems=manifest + compatibility.machine_problems(contents, probe, function))
    accepted = compatibility.check_compatibility(contents, probe, manifest, function)
    if not isinstance(accepted, Accepted):
        return Refusal(problems=accepted)
    found = dict(_sound(contents))
    return Inspection(
        **found, manifest=manifest, start=accepted.start, storage=accepted.storage, warnings=accepted.warnings
    )


def _sound_with_manifest(contents: Contents, probe: Probe) -> Sound | Refusal:
    manifest = manifest_of(contents, probe)
    return Refusal(problems=manifest) if isinstance(manifest, tuple) else _sound(contents)


def manifest_of(contents: Contents, probe: Probe) -> Manifest | tuple[Problem, ...]:
    """Return the release's manifest; one that cannot be read is a refusal, not a missing one."""
    text = probe.text(NAME)
    if text is None and any(entry.path == NAME for entry in contents.entries):
        found, allowed = f"not a regular file, or larger than {SOURCE} bytes", f"a file of at most {LARGEST} bytes"
        return (Problem.of(NAME, found, allowed, "make it a short text file"),)
    return parse(text)


def _sound(contents: Contents) -> Sound:
    return Sound(
        sha256=contents.sha256,
        size=contents.size,
        unpacked=contents.unpacked,
        files=sum(entry.kind == "file" for entry in contents.entries),
        format=contents.format,
    )
