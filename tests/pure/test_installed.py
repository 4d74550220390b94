"""The command line installed from a checkout, as `uv tool install .` does it: in an environment of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pure.hostile import Member, zip_of

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install it where nothing else is."""
    made = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, made], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", made / "bin" / "python", ROOT], check=True)
    return made


def test_it_inspects_without_the_development_environment(environment: Path, tmp_path: Path) -> None:
    archive = tmp_path / "app.zip"
    archive.write_bytes(zip_of(Member(b"lambda_function.py", b"def lambda_handler(e, c): ...\n")))
    for command in ([environment / "bin" / "dropshift"], [environment / "bin" / "python", "-m", "deployer"]):
        found = subprocess.run([*command, "inspect", archive], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "accepted: zip, 1 files" in found.stdout
        assert found.stdout.splitlines()[-1] == "would go live as: 10 % for 5m, then all traffic"


def test_every_verb_starts(environment: Path, tmp_path: Path) -> None:
    program = environment / "bin" / "dropshift"
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    shown = subprocess.run([program, "status"], env=nowhere, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert shown.returncode == 3
    assert "AWS_REGION" in shown.stderr
    subprocess.run([program, "drop", "--help"], cwd=tmp_path, capture_output=True, check=True)


def test_what_runs_on_lambda_is_not_installed(environment: Path) -> None:
    (site,) = environment.glob("lib/python*/site-packages")
    assert (site / "deployer" / "cli").is_dir()
    assert not (site / "deployer" / "controller.py").exists()
    assert not list(site.glob("aws_lambda_powertools*"))
