"""The deployer's inspector as an offline command: `python -m deployer inspect ARCHIVE [OUTDIR]`."""

import argparse
import os
import sys
from pathlib import Path

from deployer.archive import Contents, FileSource, Limits, Refusal, read, unpack


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if the archive is accepted, 1 if it is refused; the reasons are on stderr."""
    options = _parser().parse_args(arguments)
    source = FileSource(options.archive)
    limits = Limits(unpacked=options.limit)
    outcome = unpack(source, options.outdir, limits) if options.outdir else read(source, limits)
    return _report(outcome)


def _report(outcome: Contents | Refusal) -> int:
    if isinstance(outcome, Refusal):
        for problem in outcome.problems:
            print(problem, file=sys.stderr)  # noqa: T201 - a command speaks
        return 1
    print(f"accepted: {len(outcome.entries)} entries, {outcome.unpacked} bytes, sha256 {outcome.sha256}")  # noqa: T201 - a command speaks
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deployer", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    inspect = commands.add_parser("inspect", help="inspect an archive as the deployer does")
    inspect.add_argument("archive", type=Path, metavar="ARCHIVE")
    inspect.add_argument("outdir", type=Path, nargs="?", metavar="OUTDIR", help="unpack into this directory")
    inspect.add_argument("--limit", type=int, default=int(os.environ.get("UNPACKED_LIMIT", Limits().unpacked)))
    return parser


if __name__ == "__main__":
    sys.exit(main())
