"""Other ways to deploy the same tree: zip, SAM, Zappa, an image layer. Each yields its seconds and its bytes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.deploy_sets import FOLDER, SETS
from tests.local import LocalAws
from tests.local.configuration import REGION

SAM = Path(__file__).parents[2] / ".venv-sam" / "bin" / "sam"
SAM_TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Application:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: {}
      Handler: app.handler
      Runtime: python3.13
"""
ZAPPA = {
    "app_function": "app.app",
    "project_name": "benchmark",
    "runtime": "python3.13",
    "s3_bucket": "packages",
    "slim_handler": True,
    "aws_region": REGION,
}

type Measured = dict[str, float]


def packing(*command: str) -> Callable[[str, dict[str, Path], int], Iterator[tuple[str, Measured]]]:
    """Return what packs a tree with a shell command that writes to $TARGET."""

    def pack(name: str, _cases: dict[str, Path], _later: int) -> Iterator[tuple[str, Measured]]:
        target = FOLDER / f"{name}.packed"
        target.unlink(missing_ok=True)
        began = time.monotonic()
        environment = {**os.environ, "TARGET": str(target)}
        subprocess.run(["bash", "-o", "pipefail", "-c", *command], cwd=FOLDER / name, env=environment, check=True)
        row = {"bundle_s": time.monotonic() - began, "bundle_bytes": target.stat().st_size}
        target.unlink()
        yield "first", row

    return pack


def sam(name: str, _cases: dict[str, Path], _later: int) -> Iterator[tuple[str, Measured]]:
    """Package the tree as it is with SAM's command line, which also uploads it; Lambda refuses the size of set A.

    `sam build` is for sources: it leaves out the shared libraries of a tree.
    """
    with LocalAws() as aws, tempfile.TemporaryDirectory() as folder:
        aws.client("s3").create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": REGION})
        Path(folder, "template.yaml").write_text(SAM_TEMPLATE.format(FOLDER / name))
        began = time.monotonic()
        command = [str(SAM), "package", "--s3-bucket", "packages", "--output-template-file", "packaged.yaml"]
        subprocess.run(command, cwd=folder, env={**os.environ, **aws.environment}, check=True, capture_output=True)
        seconds = time.monotonic() - began
        stored = aws.client("s3").list_objects_v2(Bucket="packages")["Contents"]
        yield "first", {"bundle_s": seconds, "bundle_bytes": sum(one["Size"] for one in stored)}


def zappa(name: str, _cases: dict[str, Path], _later: int) -> Iterator[tuple[str, Measured]]:
    """Package a virtual environment with Zappa's slim handler, its way for large applications."""
    venv = FOLDER / f"{name}.zappa"
    if not venv.exists():
        staging = venv.with_suffix(".new")
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(staging)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", staging, "zappa", *SETS[name][0]], check=True)
        staging.rename(venv)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text(f"def app(environ, start_response): ...\n{SETS[name][1]}\n")
        Path(folder, "zappa_settings.json").write_text(json.dumps({"dev": ZAPPA}))
        began = time.monotonic()
        environment = {**os.environ, "VIRTUAL_ENV": str(venv)}
        command = [str(venv / "bin" / "python"), "-m", "zappa.cli", "package", "dev"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        seconds = time.monotonic() - began
        made = [path for path in Path(folder).iterdir() if path.name.startswith("benchmark-")]
        yield "first", {"bundle_s": seconds, "bundle_bytes": sum(path.stat().st_size for path in made)}


PACKERS = {
    "zip": packing("zip -q -r -y - . > $TARGET"),
    "sam": sam,
    "zappa": zappa,
    "image-gzip": packing("tar -cf - . | gzip -6 > $TARGET"),
    "image-zstd": packing("tar -cf - . | zstd -q -3 -T0 > $TARGET"),
}
