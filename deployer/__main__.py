"""The deployer's inspector as an offline command: the same code the rollout inspects and unpacks with."""

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path
from types import TracebackType

from deployer.inspection import archive, compatibility, report
from deployer.inspection.archive import Contents, FileSource, Limits, Refusal
from deployer.inspection.inspect import inspect_contents, manifest_of
from deployer.model.function import FunctionConfiguration
from deployer.model.inspection import Inspection

ACCEPTED, REFUSED, BUG = 0, 1, 70
"""Exit statuses; Python's own for an exception is 1, which would read as a refusal."""
type Found = tuple[Contents, Inspection | None] | Refusal


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the archive is accepted, 1 if it is refused; every reason is on stderr."""
    options = _parser().parse_args(arguments)
    with closing(compatibility.Probe()) as probe:
        found = _unpack(options, probe) if options.outdir else _look(options, probe, probe)
    return _refused(found) if isinstance(found, Refusal) else _accepted(found)


def _unpack(options: argparse.Namespace, probe: compatibility.Probe) -> Found:
    """Inspect and unpack in one reading; a directory that was made for nothing is removed."""
    new = not options.outdir.exists()
    options.outdir.mkdir(parents=True, exist_ok=True)
    with archive.Staging(options.outdir) as staging:
        found = _look(options, probe, archive.Tee(staging, probe))
        if not isinstance(found, Refusal):
            staging.place(found[0].entries)
    if new and isinstance(found, Refusal):
        options.outdir.rmdir()
    return found


def _look(options: argparse.Namespace, probe: compatibility.Probe, sink: archive.Sink) -> Found:
    """Inspect; without a runtime, only structure and manifest."""
    contents = archive.read(FileSource(options.archive), Limits(unpacked=options.limit), sink)
    if isinstance(contents, Refusal):
        return contents
    if options.runtime:
        judged = inspect_contents(contents, probe, _function(options))
        return judged if isinstance(judged, Refusal) else (contents, judged)
    manifest = manifest_of(contents, probe)
    return Refusal(problems=manifest) if isinstance(manifest, tuple) else (contents, None)


def _function(options: argparse.Namespace) -> FunctionConfiguration:
    return FunctionConfiguration(
        name="function",
        runtime=options.runtime,
        architecture=options.architecture,
        memory=options.memory,
        snap_start=options.snap_start,
        layers=("--layers",) if options.layers else (),
    )


def _accepted(found: tuple[Contents, Inspection | None]) -> int:
    contents, judged = found
    files = sum(entry.kind == "file" for entry in contents.entries)
    _say(f"accepted: {contents.format}, {files} files, {contents.unpacked} bytes unpacked, sha256 {contents.sha256}")
    if judged:
        _say(f"starts as {judged.start.kind}: {judged.start.handler or ' '.join(judged.start.command)}")
        for warning in judged.warnings:
            _say(f"warning: {warning}")
    return ACCEPTED


def _refused(found: Refusal) -> int:
    count = len(found.problems)
    print(f"refused: {count} problem{'s' * (count > 1)}", file=sys.stderr)  # noqa: T201 - a command speaks
    print(report.text(found.problems), file=sys.stderr)  # noqa: T201 - a command speaks
    return REFUSED


def _say(line: str) -> None:
    print(line)  # noqa: T201 - a command speaks


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deployer", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "inspect",
        help="say whether an archive would be accepted, and why not",
        description="Inspect an archive as the deployer does. Exit status: 0 accepted, 1 refused (every reason is on"
        " stderr), anything else: could not tell.",
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
    command.add_argument("--layers", action="store_true", help="the function has layers, which may bring the handler")
    command.add_argument("--snap-start", action="store_true", help="the function uses SnapStart: 512 MB of disk")
    return parser


def _file(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{name} is a folder: pack what is in it (cd {name} && zip -qr ../app.zip .)")
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{name} is no file")
    return path


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell of an exception, a full disk for instance, by an exit status of its own."""
    sys.__excepthook__(kind, error, trace)
    sys.stderr.flush()
    os._exit(BUG)


if __name__ == "__main__":
    sys.excepthook = _bug
    sys.exit(main())
