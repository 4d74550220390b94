"""A folder becomes an archive that runs on Lambda: from the same folder, always the same bytes."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from deployer.cli.main import main
from tests.applications import write

HANDLER = "import markupsafe\n\ndef lambda_handler(event, context):\n    return str(markupsafe.escape('<'))\n"
INTEGRITY = "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA=="
LOCK = {
    "name": "app",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "app", "dependencies": {"ms": "2.1.3"}},
        "node_modules/ms": {"version": "2.1.3", "integrity": INTEGRITY},
    },
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    files = {"lambda_function.py": HANDLER, "requirements.txt": "markupsafe==3.0.2\n", "run.sh": "#!/bin/sh\n"}
    made = write(tmp_path / "my-app", files)
    (made / "run.sh").chmod(0o755)
    (made / "again.py").symlink_to("lambda_function.py")
    return made


def packed(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@pytest.mark.parametrize(
    ("runtime", "architecture", "tag"),
    [
        ("python3.13", "x86_64", "313-x86_64"),
        ("python3.13", "arm64", "313-aarch64"),
        ("python3.12", "x86_64", "312-x86_64"),
    ],
)
def test_wheels_are_those_of_the_function_whatever_this_machine_is(
    app: Path, tmp_path: Path, runtime: str, architecture: str, tag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "app.zip"
    assert main(["pack", str(app), "--to", str(archive), "--runtime", runtime, "--architecture", architecture]) == 0
    assert f"markupsafe/_speedups.cpython-{tag}-linux-gnu.so" in packed(archive)
    assert capsys.readouterr().out.splitlines()[-1] == "would go live as: 10 % for 5m, then all traffic"


def test_the_same_folder_is_the_same_bytes_wherever_and_whenever(app: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    elsewhere = tmp_path / "elsewhere" / "copied"
    shutil.copytree(app, elsewhere, symlinks=True)
    for path in elsewhere.iterdir():
        os.utime(path, (1, 1), follow_symlinks=False)
    (elsewhere / "lambda_function.py").chmod(0o600)
    assert main(["pack", str(app), "--to", str(first)]) == 0
    assert main(["pack", str(elsewhere), "--to", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()


def test_scripts_with_the_path_of_this_python_are_no_part_of_it(tmp_path: Path) -> None:
    made = write(
        tmp_path / "app", {"lambda_function.py": HANDLER, "requirements.txt": "idna==3.10\nmarkdown-it-py==3.0.0\n"}
    )
    assert main(["pack", str(made), "--to", str(tmp_path / "app.zip")]) == 0
    files = packed(tmp_path / "app.zip")
    assert not [name for name in files if name.startswith("bin/")]
    (record,) = [files[name] for name in files if name.endswith("RECORD") and "markdown_it" in name]
    assert b"bin/" not in record
    assert b"markdown_it/main.py" in record


def test_modes_and_links_stay_and_what_is_not_the_applications_goes(
    app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(app, {".env": "SECRET=1", ".git/config": "", "__pycache__/x.pyc": "", "venv/pyvenv.cfg": "", ".well/x": ""})
    archive = tmp_path / "app.zip"
    assert main(["pack", str(app), "--to", str(archive)]) == 0
    assert "left out: .env, .git, .well, venv\n" in capsys.readouterr().out
    with zipfile.ZipFile(archive) as opened:
        modes = {entry.filename: entry.external_attr >> 16 for entry in opened.infolist()}
    assert {name for name in modes if "markupsafe" not in name.lower()} == {
        *("lambda_function.py", "again.py", "requirements.txt", "run.sh")
    }
    assert (modes["run.sh"], modes["lambda_function.py"], modes["again.py"]) == (0o100755, 0o100644, 0o120777)


def test_node_packages_are_those_of_the_lock(tmp_path: Path) -> None:
    package = json.dumps({"name": "app", "dependencies": {"ms": "2.1.3"}})
    made = write(tmp_path / "app", {"index.js": "exports.handler = async () => 1\n", "package.json": package})
    assert main(["pack", str(made), "--to", str(tmp_path / "app.zip")]) == 1, "nothing locks its packages"
    (made / "package-lock.json").write_text(json.dumps(LOCK))
    for name in ("a.zip", "b.zip"):
        assert main(["pack", str(made), "--to", str(tmp_path / name)]) == 0
    assert "node_modules/ms/index.js" in packed(tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_package_without_a_wheel_is_refused_in_uvs_words(
    app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (app / "requirements.txt").write_text("docopt==0.6.2\n")
    assert main(["pack", str(app), "--to", str(tmp_path / "app.zip")]) == 1
    said = capsys.readouterr().err
    assert "uv: " in said
    assert "docopt" in said
    assert "to do:" in said


def test_an_archive_that_cannot_run_is_refused_as_inspect_refuses_it(
    app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (app / "lambda_function.py").unlink()
    (app / "again.py").unlink()
    assert main(["pack", str(app), "--to", str(tmp_path / "app.zip")]) == 1
    assert "lambda_function.py" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["my-app/app.zip", "app.tar"])
def test_an_archive_lies_outside_of_the_folder_and_is_a_zip(app: Path, tmp_path: Path, target: str) -> None:
    assert main(["pack", str(app), "--to", str(tmp_path / target)]) == 1
    assert not (tmp_path / target).exists()
