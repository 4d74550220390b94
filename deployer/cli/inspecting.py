"""`dropshift inspect`: the very code that the rollout inspects and unpacks with, offline."""

import shutil
from pathlib import Path
from typing import cast

import click

from deployer import sandbox
from deployer.cli import options, screen
from deployer.cli.exits import Exit
from deployer.inspection import archive, report
from deployer.inspection.archive import FileSource, Limits, Refusal
from deployer.model.function import Architecture, FunctionConfiguration
from deployer.model.inspection import Inspection, Sound

RUNTIME, ARCHITECTURE, MEMORY = "python3.13", "x86_64", 1024
"""Those of deployer/application.yaml."""
_MB = 1_000_000


def function_of(
    runtime: str | None, architecture: str | None, memory: int = MEMORY, **more: object
) -> FunctionConfiguration:
    """Return the function that an archive is inspected for."""
    known = cast("Architecture", architecture or ARCHITECTURE)
    named = {"name": "function", "runtime": runtime or RUNTIME, "architecture": known, "memory": memory}
    return FunctionConfiguration.model_validate({**named, **more})


def inspect_for(path: Path, function: FunctionConfiguration, limit: int | None = None) -> Inspection | Refusal:
    """Return what an archive is, or everything that speaks against it."""
    limits = Limits(unpacked=limit) if limit else Limits()
    with screen.working(f"inspecting {path.name}"):
        return sandbox.inspect(FileSource(path), limits, function)


def show(found: Sound | Refusal, *, as_json: bool, assumed: tuple[str, ...] = ()) -> Exit:
    """Write what was found: refusals on standard error."""
    if as_json:
        screen.document(found.model_dump(mode="json", by_alias=True))
    if isinstance(found, Refusal):
        count = len(found.problems)
        screen.err(*assumed, f"refused: {count} problem{'s' * (count > 1)}", report.text(found.problems))
        return Exit.REFUSED
    if not as_json:
        screen.out(*assumed, *accepted(found))
    return Exit.LIVE


def accepted(found: Sound) -> list[str]:
    """Return what an accepted archive is, and how it would be rolled out."""
    size = f"{found.unpacked / 1e6:,.1f} MB" if found.unpacked >= _MB else f"{found.unpacked} bytes"
    facts = f"{found.format}, {found.files:,} files, {size} unpacked"
    if not isinstance(found, Inspection):
        return [f"accepted: {facts}", f"sha256 {found.sha256}"]
    stages = ", ".join(map(str, found.manifest.rollout.plan()))
    return [
        f"accepted: {facts}",
        f"sha256 {found.sha256}",
        f"starts as {found.start.kind}: {found.start.handler or ' '.join(found.start.command)}",
        *(f"warning: {warning}" for warning in found.warnings),
        f"would go live as: {f'{stages}, then all traffic' if stages else 'all traffic at once'}",
    ]


def _archive(_: click.Context, __: click.Parameter, path: Path) -> Path:
    if path.is_dir():
        raise click.BadParameter(f"{path} is a folder: make an archive of it (dropshift pack {path})")
    if not path.is_file():
        raise click.BadParameter(f"{path} is not a file")
    return path


ARCHIVE = click.argument("path", metavar="ARCHIVE", type=click.Path(path_type=Path), callback=_archive)


@click.command(
    cls=options.Verb,
    examples="dropshift inspect app.zip\ndropshift inspect app.zip --runtime nodejs24.x --architecture arm64",
)
@ARCHIVE
@click.argument("outdir", required=False, type=click.Path(path_type=Path))
@options.machine
@click.option("--memory", type=int, default=MEMORY, show_default=True, metavar="MB", help="The function's.")
@click.option("--layers", is_flag=True, help="The function has layers, which may bring the handler.")
@click.option("--snap-start", is_flag=True, help="The function uses SnapStart: 512 MB of disk.")
@click.option(
    "--limit", type=int, default=Limits().unpacked, show_default=True, envvar="UNPACKED_LIMIT", help="Bytes, unpacked."
)
@options.output
def inspect(  # noqa: PLR0913 - one for each option
    path: Path,
    outdir: Path | None,
    runtime: str | None,
    architecture: str | None,
    memory: int,
    *,
    layers: bool,
    snap_start: bool,
    limit: int,
    output: str,
) -> Exit:
    """Inspect an archive: would it be accepted, and if not, why.

    Needs no account. With OUTDIR, unpack it there if it is accepted. Exit status: 0 accepted, 1 refused (every reason
    is on standard error), anything else: could not tell.
    """
    more = {"snap_start": snap_start, "layers": ("--layers",) if layers else ()}
    function = function_of(runtime, architecture, memory, **more) if runtime or not outdir else None
    if outdir:
        found = _unpack(path, Limits(unpacked=limit), function, outdir)
    elif function:
        found = inspect_for(path, function, limit)
    return show(found, as_json=output == "json", assumed=_assumed(runtime, architecture, outdir))


def _unpack(path: Path, limits: Limits, function: FunctionConfiguration | None, outdir: Path) -> Sound | Refusal:
    """Inspect and unpack in one reading; a directory that was made for nothing is removed."""
    new = not outdir.exists()
    outdir.mkdir(parents=True, exist_ok=True)
    found = sandbox.unpack(FileSource(path), limits, function, outdir.resolve())
    if isinstance(found, Refusal):
        for left in [outdir] if new else outdir.glob(f"{archive.STAGING}*"):
            shutil.rmtree(left)
    return found


def _assumed(runtime: str | None, architecture: str | None, outdir: Path | None) -> tuple[str, ...]:
    if runtime:
        return ()
    if outdir:
        return ("not looked at: whether it will run; name the function's --runtime and --architecture",)
    machine = f"{RUNTIME} on {architecture or ARCHITECTURE}"
    return (f"assumed: a function for {machine}; name another one's --runtime and --architecture",)
