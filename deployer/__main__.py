"""The deployer's inspector as an offline command: the same code the rollout inspects and unpacks with."""

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path

from deployer import archive, fitness, inspection, reports
from deployer.archive import Contents, FileSource, Limits, Refusal
from deployer.function import FunctionFacts
from deployer.inspection import Inspection

ACCEPTED, REFUSED = 0, 1


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the archive is accepted, 1 if it is refused; every reason is on stderr."""
    options = _parser().parse_args(arguments)
    source, limits = FileSource(options.archive), Limits(unpacked=options.limit)
    found = inspection.inspect(source, limits, _function(options)) if options.runtime else _look(source, limits)
    if not isinstance(found, Refusal) and options.outdir:
        options.outdir.mkdir(parents=True, exist_ok=True)
        unpacked = archive.unpack(source, options.outdir, limits)
        found = unpacked if isinstance(unpacked, Refusal) else found
    return _refused(found) if isinstance(found, Refusal) else _accepted(found)


def _look(source: FileSource, limits: Limits) -> Contents | Refusal:
    """Inspect structure and manifest, without a function to hold them against."""
    with closing(fitness.Probe()) as probe:
        contents = archive.read(source, limits, probe)
        if isinstance(contents, Refusal):
            return contents
        manifest = inspection.manifest_of(contents, probe)
    return Refusal(problems=manifest) if isinstance(manifest, tuple) else contents


def _function(options: argparse.Namespace) -> FunctionFacts:
    return FunctionFacts(
        name="function",
        runtime=options.runtime,
        architecture=options.architecture,
        memory=options.memory,
        snap_start=options.snap_start,
    )


def _accepted(found: Contents | Inspection) -> int:
    files = found.files if isinstance(found, Inspection) else sum(e.kind == "file" for e in found.entries)
    _say(f"accepted: {found.format}, {files} files, {found.unpacked} bytes unpacked, sha256 {found.sha256}")
    if isinstance(found, Inspection):
        _say(f"starts as {found.start.kind}: {found.start.handler or ' '.join(found.start.command)}")
        for warning in found.warnings:
            _say(f"warning: {warning}")
    return ACCEPTED


def _refused(found: Refusal) -> int:
    count = len(found.problems)
    print(f"refused: {count} problem{'s' * (count > 1)}", file=sys.stderr)  # noqa: T201 - a command speaks
    print(reports.text(found.problems), file=sys.stderr)  # noqa: T201 - a command speaks
    return REFUSED


def _say(line: str) -> None:
    print(line)  # noqa: T201 - a command speaks


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deployer", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "inspect",
        help="say whether an archive would be accepted, and why not",
        description="Inspect an archive as the deployer does. Exit status: 0 accepted, 1 refused, reasons on stderr.",
    )
    command.add_argument(
        "archive", type=_file, metavar="ARCHIVE", help=f"a file that ends in {', '.join(archive.SUFFIXES)}"
    )
    command.add_argument("outdir", type=Path, nargs="?", metavar="OUTDIR", help="unpack it there, if it is accepted")
    limit = int(os.environ.get("UNPACKED_LIMIT", Limits().unpacked))
    command.add_argument("--limit", type=int, default=limit, metavar="BYTES", help="unpacked at most, %(default)s")
    command.add_argument("--runtime", help="also say whether it will run, for instance in python3.13 or nodejs22.x")
    command.add_argument("--architecture", choices=("x86_64", "arm64"), default="x86_64")
    command.add_argument("--memory", type=int, default=1024, metavar="MB", help="the function's, %(default)s")
    command.add_argument("--snap-start", action="store_true", help="the function uses SnapStart: 512 MB of disk")
    return parser


def _file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{name} is no file")
    return path


if __name__ == "__main__":
    sys.exit(main())
