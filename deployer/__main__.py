"""The deployer's inspector as an offline command: the code with which the rollout inspects and unpacks."""

import argparse
import os
import shutil
import sys
from pathlib import Path
from types import TracebackType

from deployer import sandbox
from deployer.inspection import archive, report
from deployer.inspection.archive import FileSource, Limits, Refusal
from deployer.model.function import FunctionConfiguration
from deployer.model.inspection import Inspection, Sound

ACCEPTED, REFUSED, BUG = 0, 1, 70
"""Exit statuses. Python's own for an exception is 1, which would look like a refusal."""
_ASSUMED = "python3.13"


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the archive is accepted, 1 if it is refused; every reason is on stderr."""
    options = _parser().parse_args(arguments)
    found = _unpack(options) if options.outdir else _inspect(options)
    status, lines = (REFUSED, _refused(found)) if isinstance(found, Refusal) else (ACCEPTED, _accepted(found))
    for line in (*_assumptions(options), *lines):
        print(line, file=sys.stderr if status else sys.stdout)
    return status


def _inspect(options: argparse.Namespace) -> Inspection | Refusal:
    function = _function(options, options.runtime or _ASSUMED)
    return sandbox.inspect(FileSource(options.archive), Limits(unpacked=options.limit), function)


def _unpack(options: argparse.Namespace) -> Sound | Refusal:
    """Inspect and unpack in one reading; a directory that was made for nothing is removed."""
    new, outdir = not options.outdir.exists(), options.outdir
    outdir.mkdir(parents=True, exist_ok=True)
    function = _function(options, options.runtime) if options.runtime else None
    found = sandbox.unpack(FileSource(options.archive), Limits(unpacked=options.limit), function, outdir.resolve())
    if isinstance(found, Refusal):
        for left in [outdir] if new else outdir.glob(f"{archive.STAGING}*"):
            shutil.rmtree(left)
    return found


def _function(options: argparse.Namespace, runtime: str) -> FunctionConfiguration:
    return FunctionConfiguration(
        name="function",
        runtime=runtime,
        architecture=options.architecture,
        memory=options.memory,
        snap_start=options.snap_start,
        layers=("--layers",) if options.layers else (),
    )


def _accepted(found: Sound) -> list[str]:
    facts = f"{found.format}, {found.files} files, {found.unpacked} bytes unpacked, sha256 {found.sha256}"
    if not isinstance(found, Inspection):
        return [f"accepted: {facts}"]
    stages = ", ".join(map(str, found.manifest.rollout.plan()))
    return [
        f"accepted: {facts}",
        f"starts as {found.start.kind}: {found.start.handler or ' '.join(found.start.command)}",
        *(f"warning: {warning}" for warning in found.warnings),
        f"would go live as: {f'{stages}, then all traffic' if stages else 'all traffic at once'}",
    ]


def _refused(found: Refusal) -> list[str]:
    count = len(found.problems)
    return [f"refused: {count} problem{'s' * (count > 1)}", report.text(found.problems)]


def _assumptions(options: argparse.Namespace) -> list[str]:
    if options.runtime:
        return []
    if options.outdir:
        return ["not looked at: whether it will run; name the function's --runtime and --architecture"]
    machine = f"{_ASSUMED} on {options.architecture}"
    return [f"assumed: a function for {machine}; name another one's --runtime and --architecture"]


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
    command.add_argument(
        "--runtime", help=f"the function's, for instance nodejs22.x; {_ASSUMED}, or none where it is only unpacked"
    )
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
        raise argparse.ArgumentTypeError(f"{name} is not a file")
    return path


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """End with an exit status of its own for an exception, a full disk for instance."""
    sys.__excepthook__(kind, error, trace)
    sys.stderr.flush()
    os._exit(BUG)


if __name__ == "__main__":
    sys.excepthook = _bug
    sys.exit(main())
