"""The packages that the Makefile builds for sam and for the local AWS: whole, and only what runs."""

import platform
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests import pythons
from tests import template as sam
from tests.local.waiting import alone

ROOT = sam.PATH.parent
ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the package of every function of the template."""
    directory = tmp_path_factory.mktemp("packages")
    functions = [*sam.of_type(sam.transformed(sam.packaged(sam.source())), "AWS::Lambda::Function")]
    for function in functions:
        target = [f"build-{function}", f"ARTIFACTS_DIR={directory / function}", f"ARCHITECTURE={ARCHITECTURE}"]
        with alone(ROOT / "build"):
            subprocess.run(["make", "-C", ROOT, *target], check=True, stdout=subprocess.DEVNULL)
    return {function: directory / function for function in functions}


def _alone(package: Path, code: str) -> str:
    """Run code with the standard library and the package, and nothing of this environment."""
    bare = f"import sys\nsys.path.insert(0, {str(package)!r})\n{dedent(code)}"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", bare], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def _files(package: Path) -> set[str]:
    return {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}


def _packaged(source: Path) -> str:
    place = source.relative_to(ROOT / "bootstrap")
    return source.name if source.stem == "bootstrap" else f"_dropshift/{place.with_suffix('.pyc')}"


def test_an_applications_package_is_the_bootstrap_and_zstds_native_module(built: dict[str, Path]) -> None:
    files = {name for name in _files(built["hello"]) if "__pycache__" not in name}
    [native] = [name for name in files if name.endswith(".so")]
    assert sum((built["hello"] / name).stat().st_size for name in _files(built["hello"])) < 1_250_000
    sources = [
        path
        for path in (ROOT / "bootstrap").rglob("*.*")
        if path.suffix in {".py", ".mjs"} and path.name != "package.py"
    ]
    assert files == {_packaged(path) for path in sources} | {native}


def test_an_applications_package_decompresses_without_anything_else(built: dict[str, Path]) -> None:
    code = "from _dropshift.loader import zstd; print(zstd.decompress(bytes.fromhex('28b52ffd2003190000616263')))"
    assert _alone(built["hello"], code) == "b'abc'"


def test_an_applications_package_answers_before_its_first_release(built: dict[str, Path]) -> None:
    code = """
        import bootstrap
        try:
            bootstrap.handler({}, None)
        except Exception as error:
            print(type(error).__name__, error)
    """
    assert _alone(built["hello"], code).startswith("Dropshift.NoRelease no release yet: drop an archive at s3://")


@pytest.mark.parametrize("function", ["Controller", "Rollout"])
def test_the_deployers_handlers_are_found_in_its_package(built: dict[str, Path], function: str) -> None:
    module, _, name = sam.source()["Resources"][function]["Properties"]["Handler"].rpartition(".")
    assert _alone(built[function], f"import {module} as m; print(callable(m.{name}))") == "True"


def test_the_deployers_package_knows_every_service_it_calls(built: dict[str, Path]) -> None:
    called = {
        service
        for path in (ROOT / "deployer").rglob("*.py")
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
        command: list[str | Path] = [built["Rollout"] / "pythons" / version / "python", source.parent, "0"]
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
