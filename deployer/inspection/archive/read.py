"""Read an archive once, from start to end: its contents, or all its problems."""

from deployer.inspection.archive import tar_reader, tree_check, zip_reader
from deployer.inspection.archive.compression import MAGIC, decompress
from deployer.inspection.archive.contents import Contents, Limits, Refusal, Sink, Sinks
from deployer.inspection.archive.findings import WHOLE, Findings, UnreadableError
from deployer.inspection.archive.source import HashedStream, Source
from deployer.model.entry import Entry
from deployer.model.inspection import Format

SUFFIXES: dict[str, Format] = {
    ".zip": "zip",
    ".tar.gz": "tar.gz",
    ".tgz": "tar.gz",
    ".tar.zst": "tar.zst",
    ".tar": "tar",
}


def read(source: Source, limits: Limits, *sinks: Sink) -> Contents | Refusal:
    """Return the archive's contents, or its problems; each sink gets every file's bytes.

    One pass over `source.stream()`, after a few ranged reads for a zip's directory. Memory is bounded
    by the limits, not by the sizes that the archive declares.
    """
    findings = Findings(limits.problems)
    hashed = HashedStream(source.stream())
    try:
        _check_size(source, limits)
        form = _format(source)
        entries = tree_check.check(_entries(form, source, hashed, limits, findings, Sinks(sinks)), limits, findings)
    except UnreadableError as error:
        findings.append(error.problem)
        return Refusal(problems=findings.all())
    if findings:
        return Refusal(problems=findings.all())
    return Contents(
        entries=entries,
        sha256=hashed.hexdigest(),
        size=hashed.size,
        unpacked=sum(entry.size for entry in entries),
        format=form,
    )


def _check_size(source: Source, limits: Limits) -> None:
    """Refuse, before the first byte is read, an archive that is too large to be acceptable."""
    if source.size > limits.archive:
        found, allowed = f"an archive of {source.size} bytes", f"at most {limits.archive}"
        raise UnreadableError(WHOLE, found, allowed, "make the release smaller")


def _format(source: Source) -> Format:
    """Return the format by the archive's name, with which its first bytes must agree."""
    form = next((form for suffix, form in SUFFIXES.items() if source.name.lower().endswith(suffix)), None)
    if form is None:
        allowed = f"names that end in {', '.join(SUFFIXES)}"
        raise UnreadableError(WHOLE, f"the name {source.name!r}", allowed, "rename it")
    if form in MAGIC and not MAGIC[form].match(source.read_at(0, 4)):
        found, allowed = f"a file that is not a {form}", f"a {form}, as its name ends"
        raise UnreadableError(WHOLE, found, allowed, "rename or repack it")
    return form


def _entries(
    form: Format, source: Source, hashed: HashedStream, limits: Limits, findings: Findings, sinks: Sinks
) -> list[Entry]:
    if form == "zip":
        return zip_reader.read(source, iter(hashed), limits, findings, sinks)
    return tar_reader.Reader(decompress(form, hashed, limits), limits, findings, sinks).read()
