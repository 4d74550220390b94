"""`dropshift drop`: inspect on the spot, sign, upload, follow to the end."""

import base64
import re
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from deployer.cli import inspecting, options, screen
from deployer.cli.exits import Exit, refusal
from deployer.cli.options import CommandLine
from deployer.cli.showing import TIMEOUT
from deployer.cli.watching import Watch
from deployer.inspection.archive import Refusal
from deployer.model.drop import FORCE, LAYOUT, SIGNATURE, Drop, misplaced, signed_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.cli.aws.releases import Sent
    from deployer.model.inspection import Inspection

_SUFFIX = re.compile(r"\.(zip|tar\.gz|tgz|tar\.zst)\Z")


@click.command(
    cls=options.Verb,
    examples="dropshift drop app.zip hello --watch\n"
    "dropshift drop app.zip hello --release $GITHUB_SHA --watch --timeout 30m",
)
@inspecting.ARCHIVE
@options.application()
@click.option("--release", metavar="NAME", help="The release's name.  [default: the archive's]")
@click.option("--watch", is_flag=True, help="Follow the release to its end; the exit status is the release's.")
@TIMEOUT
@click.option("--sign", metavar="KEY", help="Sign with this KMS key: its id, alias or ARN.")
@click.option("--force", is_flag=True, help="Release an archive that was rolled back before.")
@options.on_a_stack
@options.output
def drop(  # noqa: PLR0913 - one for each option
    path: Path,
    application: str,
    release: str | None,
    *,
    watch: bool,
    timeout: timedelta,
    sign: str | None,
    force: bool,
    stack: str,
    output: str,
) -> Exit:
    """Release an archive: inspect it here, upload it, and follow it to its end.

    Exit status with --watch: 0 live; 1 refused, failed, rolled back or aborted; 2 superseded or overtaken; 3 could not
    tell, for instance after --timeout. The rollout goes on whatever becomes of this command.
    """
    run = CommandLine(stack, output == "json")
    key = _key(path, application, release)
    found = _inspected(path, application, run)
    if isinstance(found, Refusal):
        return inspecting.show(found, as_json=run.as_json)
    if not run.as_json:
        screen.out(*inspecting.accepted(found))
    dropped = _upload(path, key, found, run, sign=sign, force=force)
    if run.as_json:
        screen.line_of_json({**dropped.model_dump(), "release_id": dropped.release_id, "sha256": found.sha256})
    else:
        screen.out(f"dropped {dropped.label} for {application}: s3://{dropped.bucket}/{dropped.key}")
    if watch:
        return Watch(run, application, dropped.release_id, dropped.label).follow(timeout)
    if not run.as_json:
        screen.out(f"to follow it: dropshift status {application} --watch")
    return Exit.LIVE


def _key(path: Path, application: str, release: str | None) -> str:
    """Return the key of a release: its application, its name and the archive's ending."""
    suffix = _SUFFIX.search(path.name)
    if suffix is None:
        raise refusal(path.name, "another ending", LAYOUT.rpartition("<release>")[2], "see `dropshift pack`")
    key = f"{application}/{release or path.name.removesuffix(suffix[0])}{suffix[0]}"
    if problem := misplaced(key, frozenset({application})):
        raise refusal("release", problem.found, problem.allowed, "choose another --release")
    return key


def _inspected(path: Path, application: str, run: CommandLine) -> "Inspection | Refusal":
    from deployer.cli.aws import functions  # noqa: PLC0415 - AWS's library takes half a second

    return inspecting.inspect_for(path, functions.configuration(run.stack, application))


def _upload(path: Path, key: str, found: "Inspection", run: CommandLine, *, sign: str | None, force: bool) -> Drop:
    from deployer.cli.aws import releases  # noqa: PLC0415 - as above

    metadata = {FORCE: "true"} if force else {}
    if sign:
        signature = releases.sign(run.stack, sign, signed_text(key, found.sha256))
        metadata[SIGNATURE] = base64.b64encode(signature).decode()
    with _progress(path) as sent:
        return releases.upload(run.stack, path, key, metadata, sent)


@contextmanager
def _progress(path: Path) -> "Iterator[Sent]":
    """Show on a terminal how much went up."""
    console = screen.console(error=True)
    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(f"uploading {path.name}", total=path.stat().st_size)
        yield lambda size: shown.advance(task, size)
