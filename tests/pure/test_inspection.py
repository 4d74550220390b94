"""The offline command, and how a refusal reads."""

import subprocess
import sys
from pathlib import Path

import pytest

from deployer.cli.main import main
from deployer.inspection import report
from deployer.model.problem import Problem
from tests.pure.hostile import Member, member, tgz_of, zip_of

GOOD = zip_of(
    Member(b"lambda_function.py", b"def lambda_handler(e, c): ...\n"), Member(b"run", b"#!/bin/sh\n", mode=0o100755)
)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "release.zip"
    path.write_bytes(GOOD)
    return path


def test_an_accepted_archive_is_summed_up_and_unpacked(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(good), str(tmp_path / "out")]) == 0
    output = capsys.readouterr().out
    assert "accepted: zip, 2 files, 40 bytes unpacked" in output
    assert "not looked at: whether it will run" in output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["lambda_function.py", "run"]


def test_the_command_says_for_which_function_whether_it_will_run_and_how_it_would_be_rolled_out(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(good)]) == 0
    output = capsys.readouterr().out.splitlines()
    assert "python3.13 on x86_64" in output[0]
    assert "starts as python: lambda_function.lambda_handler" in output
    assert output[-1] == "would go live as: 10 % for 5m, then all traffic"
    at_once = tmp_path / "at-once.zip"
    handler, manifest = b"def lambda_handler(e, c): ...\n", b'[rollout]\nstrategy = "all-at-once"\n'
    at_once.write_bytes(zip_of(Member(b"lambda_function.py", handler), Member(b"dropshift.toml", manifest)))
    assert main(["inspect", str(at_once), "--runtime", "python3.13"]) == 0
    output = capsys.readouterr().out.splitlines()
    assert output[-1] == "would go live as: all traffic at once"
    assert "assumed" not in output[0]


def test_without_a_function_that_fits_nothing_is_accepted(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(good), "--runtime", "nodejs22.x", "--architecture", "arm64"]) == 1
    assert "index.js" in capsys.readouterr().err


def test_every_reason_is_on_stderr_and_nothing_is_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "release.tgz", tmp_path / "out"
    path.write_bytes(tgz_of(member(b"../a"), member(b"/b"), member(b"c\\d"), member(b"../e")))
    assert main(["inspect", str(path), str(out)]) == 1
    output = capsys.readouterr()
    assert not output.out
    assert "\nrefused: 4 problems\n../a, ../e\n    found:   a '..' component\n" in output.err
    assert not out.exists()
    out.mkdir()
    (out / "mine").touch()
    assert main(["inspect", str(path), str(out)]) == 1
    assert [left.name for left in out.iterdir()] == ["mine"]


def test_a_bad_manifest_is_a_refusal_even_without_a_function(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "release.zip"
    path.write_bytes(zip_of(Member(b"dropshift.toml", b"schema = 9\nrelease = 1\n")))
    assert main(["inspect", str(path)]) == 1
    assert capsys.readouterr().err.count("dropshift.toml") == 2


def test_the_limit_comes_from_the_command_line_or_the_environment(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["inspect", str(good), "--limit", "39"]) == 1
    monkeypatch.setenv("UNPACKED_LIMIT", "39")
    assert main(["inspect", str(good)]) == 1
    assert main(["inspect", str(good), "--limit", "40"]) == 0


def test_help_and_misuse_answer_without_a_traceback() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "deployer", "inspect", "--help"], capture_output=True, text=True, check=True
    )
    assert "0 accepted, 1 refused" in " ".join(asked.stdout.split())
    wrong = subprocess.run(
        [sys.executable, "-m", "deployer", "inspect", "/no/such"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 3
    assert "is not a file" in wrong.stderr


def test_a_folder_is_answered_with_the_command_that_packs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(tmp_path)]) == 3
    assert f"is a folder: make an archive of it (dropshift pack {tmp_path})" in capsys.readouterr().err


def test_a_handler_that_a_layer_brings_is_accepted_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "release.zip"
    handler = b'[application]\nhandler = "datadog_lambda.handler.handler"\n'
    path.write_bytes(zip_of(Member(b"app.py"), Member(b"dropshift.toml", handler)))
    assert main(["inspect", str(path), "--runtime", "python3.13"]) == 1
    assert main(["inspect", str(path), "--runtime", "python3.13", "--layers"]) == 0
    assert "warning: datadog_lambda/handler.py is not in the archive" in capsys.readouterr().out


def test_what_is_no_verdict_has_an_exit_status_of_its_own(good: Path) -> None:
    command = [sys.executable, "-m", "deployer", "inspect", str(good), "/dev/null/out"]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 3
    assert "NotADirectoryError" in failed.stderr


def test_the_command_imports_no_boto3() -> None:
    script = "import sys, deployer.cli.main; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def _problem(where: str, found: str) -> Problem:
    return Problem(where=where, found=found, allowed="nothing", remedy="mend it")


def test_a_report_names_a_fault_once_with_its_places() -> None:
    problems = [_problem(f"a{n}", "bad") for n in range(7)] + [_problem("b", "worse"), _problem("c", "bad")]
    assert report.text(problems).splitlines()[0] == "a0, a1, a2, a3, a4 and 3 more"
    assert report.line(problems) == "a0, a1, a2, a3, a4 and 3 more: bad; b: worse"
