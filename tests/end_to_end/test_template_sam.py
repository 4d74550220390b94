"""SAM CLI, which has an environment of its own (`.venv-sam`), takes both templates."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import template as sam

SAM = sam.PATH.parent / ".venv-sam" / "bin" / "sam"


@pytest.mark.parametrize("path", [sam.PATH, sam.APPLICATION], ids=lambda path: path.stem)
def test_sam_cli_finds_nothing_to_say_about_a_template(path: Path) -> None:
    """As `sam validate --lint`; `make build`, which runs before the tests, is `sam build`."""
    environment = {**os.environ, "AWS_DEFAULT_REGION": sam.REGION, "SAM_CLI_TELEMETRY": "0"}
    configured = ["--config-file", str(sam.PATH.parent / "samconfig.toml")]
    command: list[str | Path] = [SAM, "validate", "--lint", "-t", path, *configured]
    ran = subprocess.run(command, cwd=sam.PATH.parent, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "is a valid SAM Template" in ran.stdout
