"""`dropshift pack`: a folder and its dependencies become an archive that runs on Lambda; same input, same bytes."""

import shutil
import tempfile
from pathlib import Path

import click

from deployer.cli import dependencies, inspecting, options, screen
from deployer.cli.exits import Exit, refusal
from deployer.cli.zipping import LEFT_OUT, write_zip

_REQUIREMENTS, _PACKAGE = "requirements.txt", "package.json"


@click.command(
    cls=options.Verb,
    examples="dropshift pack my-app\ndropshift pack my-app --requirements pyproject.toml --to build/app.zip",
)
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--requirements", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="[default: requirements.txt]"
)
@click.option(
    "--to", "archive", type=click.Path(path_type=Path, dir_okay=False), help="The archive.  [default: DIRECTORY.zip]"
)
@options.machine
@options.output
def pack(
    directory: Path,
    requirements: Path | None,
    archive: Path | None,
    runtime: str | None,
    architecture: str | None,
    output: str,
) -> Exit:
    """Make an archive of a folder, with the packages of its requirements.txt or package-lock.json for Lambda.

    The same input gives the same bytes. Names that begin with a dot, virtual environments and caches are left out. Ends
    by inspecting the archive; exit status: 0 accepted, 1 refused, 3 could not tell.
    """
    package, usual = directory / _PACKAGE, directory / _REQUIREMENTS
    function = inspecting.function_of(runtime or ("nodejs24.x" if package.is_file() else None), architecture)
    target = archive or Path(f"{directory.resolve().name}.zip")
    _check_place(target, directory)
    with tempfile.TemporaryDirectory(prefix="dropshift-pack-") as made:
        tree = Path(made) / "tree"
        left = _copy(directory, tree)
        known = requirements or (usual if usual.is_file() else None)
        if package.is_file():
            dependencies.npm(tree, function.architecture)
        if known:
            dependencies.wheels(tree, known, function)
        with screen.working(f"packing {target}"):
            files = write_zip(tree, target)
    found = inspecting.inspect_for(target, function)
    if output == "text":
        size = f"{target.stat().st_size / 1e6:.1f} MB"
        screen.out(*([f"left out: {', '.join(left)}"] if left else []), f"packed {target}: {files} files, {size}")
    return inspecting.show(found, as_json=output == "json")


def _check_place(target: Path, directory: Path) -> None:
    if target.suffix != ".zip":
        raise refusal("--to", target.name, "a name that ends in .zip", f"--to {target.name}.zip")
    if target.resolve().is_relative_to(directory.resolve()):
        remedy = f"--to ../{target.name}"
        raise refusal("--to", f"{target}, which lies in the folder that is packed", "a place outside", remedy)


def _copy(directory: Path, tree: Path) -> list[str]:
    """Copy a folder as it is, links too; return what was left out at its root."""
    left: list[str] = []

    def ignored(folder: str, names: list[str]) -> list[str]:
        here = Path(folder)
        found = [name for name in names if _is_left_out(here / name, at_the_root=here == directory)]
        left.extend(str((here / name).relative_to(directory)) for name in found if not name.startswith("__"))
        return found

    shutil.copytree(directory, tree, symlinks=True, ignore=ignored)
    return sorted(left)


def _is_left_out(path: Path, *, at_the_root: bool) -> bool:
    if path.name in LEFT_OUT or path.suffix == ".pyc":
        return True
    return (at_the_root and path.name.startswith(".")) or (path / "pyvenv.cfg").is_file()
