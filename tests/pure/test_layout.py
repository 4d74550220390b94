"""The layout's rules: what may import what. Each import is read from the source, wherever in a file it stands."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AWS_LIBRARIES = ("boto3", "botocore", "mypy_boto3_")
PURE = ("decisions", "bundle", "inspection")
PLACES, LEVELS, IMPORTS_BETWEEN_PLACES = 16, 8, 48
"""A place is a file or folder directly in deployer/. A number rises only with a reason to put here: the sandbox stands
between those who ask for an inspection or a bundle and the folders that make them. The command line is above
everything, imported by __main__ alone and in no Lambda package. The rollout's steps are in its folder: it alone calls
them."""


def modules(folder: str) -> list[Path]:
    return sorted(path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.py"))


@cache
def imports(module: Path) -> frozenset[str]:
    """Return the dotted names that a module imports: `a.b` for `from a import b`; relative imports are resolved."""
    tree = ast.parse((ROOT / module).read_text())
    return frozenset(name for node in ast.walk(tree) for name in _imported(node, module))


def _imported(node: ast.AST, module: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = module.parent.parts[: len(module.parent.parts) - node.level + 1] if node.level else ()
        base = ".".join((*above, *filter(None, [node.module])))
        yield from (f"{base}.{alias.name}" for alias in node.names)


def importers(folder: str, *names: str) -> list[tuple[str, str]]:
    """Return which modules of a folder import something whose name begins so."""
    return [
        (str(module), name)
        for module in modules(folder)
        for name in sorted(imports(module))
        if name.startswith(names) and not name.startswith(folder.replace("/", ".") + ".")
    ]


def test_the_model_imports_only_itself() -> None:
    assert importers("deployer/model", "deployer") == []


@pytest.mark.parametrize("folder", PURE)
def test_pure_folders_import_neither_each_other_nor_aws(folder: str) -> None:
    others = [f"deployer.{name}" for name in PURE if name != folder]
    assert importers(f"deployer/{folder}", "deployer.aws", *others, *AWS_LIBRARIES) == []


@pytest.mark.parametrize("folder", [*PURE, "model"])
def test_pure_folders_read_no_clock(folder: str) -> None:
    found = [str(module) for module in modules(f"deployer/{folder}") if _reads_a_clock(module)]
    # A bundle is compressed until a deadline, harder the more time is left: bytes depend on the machine in any case.
    assert found == (["deployer/bundle/compress.py"] if folder == "bundle" else [])


def _reads_a_clock(module: Path) -> bool:
    nodes = ast.walk(ast.parse((ROOT / module).read_text()))
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute)} & {"now", "utcnow", "today"}
    return bool(read) or any(name == "time" or name.startswith("time.") for name in imports(module))


def test_only_the_aws_folders_import_boto3() -> None:
    found = {module for module, _ in importers("deployer", *AWS_LIBRARIES)} | {
        module for module, _ in importers("bootstrap", *AWS_LIBRARIES)
    }
    assert {str(Path(module).parent) for module in found} == {"deployer/aws", "deployer/cli/aws"}


def test_only_main_imports_the_command_line_and_it_imports_nothing_of_the_deployed() -> None:
    found = {str(module) for module in modules("deployer") if module.parts[1] != "cli" and _names_cli(module)}
    assert found == {"deployer/__main__.py"}
    places = {name.split(".")[1] for _, name in importers("deployer/cli", "deployer.")}
    assert places == {"inspection", "model", "sandbox"}


def _names_cli(module: Path) -> bool:
    return any(name.startswith("deployer.cli") for name in imports(module))


def test_two_files_of_the_rollout_import_the_durable_sdk_and_its_steps_know_neither() -> None:
    found = {module for module, _ in importers("deployer", "aws_durable_execution_sdk_python")}
    assert found == {"deployer/rollout/__init__.py", "deployer/rollout/run.py"}
    assert importers("deployer/rollout/steps", "deployer.rollout") == []


def test_the_bootstrap_imports_nothing_of_the_deployer() -> None:
    assert importers("bootstrap", "deployer") == []


def test_the_two_processes_of_the_bootstrap_meet_only_in_the_files_above_them() -> None:
    assert importers("bootstrap/loader", "bootstrap.startup") == []
    # Left out: progress.py forks the loading process, and calls the loader in it.
    found = {module for module, _ in importers("bootstrap/startup", "bootstrap.loader")}
    assert found <= {"bootstrap/startup/progress.py"}


def _place(module: str) -> str:
    """Return the file or folder directly in deployer/ that a module lies in."""
    return module.removesuffix(".py").split("/")[1]


def _graph() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for module in modules("deployer"):
        place = _place(str(module))
        names = {name.split(".")[1] for name in imports(module) if name.startswith("deployer.")}
        graph.setdefault(place, set()).update(names - {place})
    graph.pop("__init__")
    return graph


def test_the_deployer_has_few_places_and_no_cycle() -> None:
    graph = _graph()
    levels: dict[str, int] = {}
    for place in TopologicalSorter(graph).static_order():  # raises CycleError
        levels[place] = 1 + max((levels[below] for below in graph[place]), default=0)
    imported = sum(len(below) for below in graph.values())
    print(f"{len(graph)} places, {max(levels.values())} levels, {imported} imports between places")
    assert len(graph) <= PLACES
    assert max(levels.values()) <= LEVELS
    assert imported <= IMPORTS_BETWEEN_PLACES
