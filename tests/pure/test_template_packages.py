"""The packages that the Makefile builds for sam and for the local AWS: whole, and only what runs."""

import platform
import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from tests import pythons, toolchains
from tests import template as sam
from tests.applications import package as application
from tests.local.waiting import alone

ROOT = sam.PATH.parent
ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")

MACHINES = {"x86_64": 62, "arm64": 183}
"""Numbers of the processors in an ELF header, e_machine."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the packages of the deployer and of an application."""
    directory = tmp_path_factory.mktemp("packages")
    targets = {"Controller": "build-Controller", "Rollout": "build-Rollout", "hello": "package-python3.13"}
    for function, made in targets.items():
        target = [made, f"ARTIFACTS_DIR={directory / function}", f"ARCHITECTURE={ARCHITECTURE}"]
        with alone(ROOT / "build"):
            subprocess.run(["make", "-C", ROOT, *target], check=True, stdout=subprocess.DEVNULL)
    return {function: directory / function for function in targets}


def _alone(package: Path, code: str, version: str = pythons.OWN) -> str:
    """Run code with the standard library and the package, and nothing of this environment."""
    bare = f"import sys\nsys.path.insert(0, {str(package)!r})\n{dedent(code)}"
    python = toolchains.python(version)
    ran = subprocess.run([python, "-B", "-I", "-S", "-c", bare], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def _files(package: Path) -> set[str]:
    return {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}


def _modules() -> set[str]:
    bootstrap = ROOT / "bootstrap"
    modules = {str(path.relative_to(bootstrap).with_suffix(".pyc")) for path in bootstrap.rglob("*.py")}
    return {f"_dropshift/{name}" for name in modules - {"bootstrap.pyc", "package.pyc"}}


def _node_modules() -> set[str]:
    return {f"_dropshift/node/{path.name}" for path in (ROOT / "bootstrap" / "node").iterdir()}


@pytest.fixture(params=pythons.served())
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_command_line_is_in_no_package(built: dict[str, Path]) -> None:
    names = {name for package in built.values() for name in _files(package)}
    assert not [name for name in names if name.startswith(("deployer/cli/", "deployer/__main__", "click/", "rich/"))]
    assert "deployer/controller.pyc" in names or "deployer/controller.py" in names


def test_an_applications_package_is_the_bootstrap_and_zstds_native_module_where_python_has_none(version: str) -> None:
    package = application(f"python{version}")
    files = _files(package)
    assert sum((package / name).stat().st_size for name in files) < 1_250_000
    native = [name for name in files if name.endswith(".so")]
    tagged = f"_dropshift/loader/_zstd.{pythons.tag(version)}-"
    assert [name[: len(tagged)] for name in native] == [tagged] * (pythons.number(version) < (3, 14))
    cached = f"__pycache__/bootstrap.{pythons.tag(version)}.pyc"
    assert files == {"bootstrap.py", "bootstrap.mjs", cached, *_modules(), *_node_modules(), *native}


@pytest.mark.parametrize("architecture", MACHINES)
def test_native_code_is_for_the_architecture_that_is_asked_for(tmp_path: Path, architecture: str, version: str) -> None:
    compiler = f"build/pythons/{architecture}/{version}"
    targets = [f"package-python{version}", *([f"{compiler}/ready"] if version != pythons.OWN else [])]
    with alone(ROOT / "build"):
        given = [f"ARTIFACTS_DIR={tmp_path}", f"ARCHITECTURE={architecture}"]
        subprocess.run(["make", "-s", "-C", str(ROOT), *targets, *given], check=True)
    native = [*tmp_path.rglob("*.so"), *(path for path in [ROOT / compiler / "python"] if version != pythons.OWN)]
    assert [path.read_bytes()[18] for path in native] == [MACHINES[architecture]] * (1 + (version == "3.12"))


def test_an_applications_package_for_node_has_nothing_of_pythons_but_the_entry() -> None:
    assert _files(application("nodejs24.x")) == {"bootstrap.py", "bootstrap.mjs", *_node_modules()}


def test_an_applications_package_decompresses_without_anything_else(version: str) -> None:
    code = "from _dropshift.loader import zstd; print(zstd.decompress(bytes.fromhex('28b52ffd2003190000616263')))"
    assert _alone(application(f"python{version}"), code, version) == "b'abc'"


def test_an_applications_package_answers_before_its_first_release(version: str) -> None:
    code = """
        import bootstrap
        try:
            bootstrap.handler({}, None)
        except Exception as error:
            print(type(error).__name__, error)
    """
    said = _alone(application(f"python{version}"), code, version)
    assert said.startswith("Dropshift.NoRelease no release yet: drop an archive at s3://")


@pytest.mark.parametrize("runtime", ["python3.11", "python3.9", "custom", "provided.al2023", "nodejs20.x", "java21"])
def test_there_is_no_package_for_any_other_runtime(tmp_path: Path, runtime: str) -> None:
    command = ["make", "-s", "-C", str(ROOT), f"package-{runtime}", f"ARTIFACTS_DIR={tmp_path}"]
    with alone(ROOT / "build"):
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode
    assert f"there is no package for {runtime}; choose one of" in ran.stderr
    assert " ".join(f"python{one}" for one in pythons.served()) in ran.stderr
    assert not _files(tmp_path)


@pytest.mark.parametrize("function", ["Controller", "Rollout"])
def test_the_deployers_handlers_are_found_in_its_package(built: dict[str, Path], function: str) -> None:
    module, _, name = sam.source()["Resources"][function]["Properties"]["Handler"].rpartition(".")
    assert _alone(built[function], f"import {module} as m; print(callable(m.{name}))") == "True"


def test_the_deployers_package_knows_every_service_it_calls(built: dict[str, Path]) -> None:
    called = {
        service
        for path in (ROOT / "deployer" / "aws").rglob("*.py")
        for service in re.findall(r"\.client\(\s*[\"']([\w-]+)[\"']", path.read_text())
    }
    assert called
    code = f"import boto3; print([boto3.client(name, 'eu-central-1') for name in {sorted(called)}])"
    assert _alone(built["Controller"], code)


def test_only_the_rollout_has_compilers_and_one_for_each_python_but_its_own(built: dict[str, Path]) -> None:
    assert {path.name for path in (built["Rollout"] / "pythons").iterdir()} == set(pythons.others())
    assert not (built["Controller"] / "pythons").exists()
    for version in pythons.others():
        source = built["Rollout"] / "source.py"
        source.write_text("x = 1\n")
        command: list[str | Path] = [built["Rollout"] / "pythons" / version / "python"]
        command += [built["Rollout"] / "deployer" / "bundle" / "compiler.py", source.parent, "0"]
        subprocess.run(command, input=b"source.py\0", check=True)
        assert (source.parent / "__pycache__" / f"source.{pythons.tag(version)}.pyc").is_file()


def test_the_deployers_package_is_small_and_has_nothing_of_ours_beside_it(built: dict[str, Path]) -> None:
    package = built["Rollout"]
    assert sum((package / name).stat().st_size for name in _files(package)) < 60 * 2**20
    assert not [name for name in _files(package) if name.startswith(("tests/", "build/", ".venv"))]
    assert _files(package / "deployer") >= {"__init__.py", "model/value.py"}


@pytest.mark.parametrize("function", ["Controller", "hello"])
def test_bytecode_is_there_and_never_compared_with_its_source(built: dict[str, Path], function: str) -> None:
    package = built[function]
    ours = [path for path in package.rglob("*.pyc") if {"_dropshift", "deployer"} & set(path.parts)]
    flags = {path.read_bytes()[4:8] for path in ours}  # PEP 552: 1 is a hash that nobody checks
    assert flags == {(1).to_bytes(4, "little")}
