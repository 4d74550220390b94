"""With a signing key configured, only what it signed is released: these bytes, for this application, by this name."""

import base64
import hashlib
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from deployer.model.drop import SIGNATURE_SUFFIX, signed_text
from deployer.model.status import Status
from tests.deployment import zipped
from tests.signing import Signer
from tests.workflow.test_endings import FILES
from tests.workflow.world import World

ARCHIVE = zipped(FILES)
MANIFEST_PAGE = Path(__file__).parents[2] / "docs" / "manifest.md"


@pytest.fixture
def signer(world: World) -> Signer:
    """The key that the deployer trusts."""
    made = Signer(world.people.client("kms"))
    world.trust(made.arn)
    return made


def test_a_signed_drop_is_released(world: World, signer: Signer) -> None:
    drop = world.drop("1.0", body=ARCHIVE, signature=signer.sign(ARCHIVE, f"{world.application}/1.0.zip"))
    assert world.roll_out(drop)["status"] == Status.LIVE


def test_a_signature_beside_the_archive_will_do(world: World, signer: Signer) -> None:
    drop = world.drop("1.0", body=ARCHIVE)
    beside = drop.key + SIGNATURE_SUFFIX
    world.s3.put_object(
        Bucket=drop.bucket, Key=beside, Body=signer.sign(ARCHIVE, f"{world.application}/1.0.zip").encode() + b"\n"
    )
    assert world.roll_out(drop)["status"] == Status.LIVE


@pytest.mark.parametrize(
    "case", ["unsigned", "not base64", "other bytes", "other key", "other application", "newer name", "bytes alone"]
)
def test_a_drop_that_the_key_did_not_sign_is_refused_and_changes_nothing(
    world: World, signer: Signer, case: str
) -> None:
    key = f"{world.application}/1.0.zip"
    signatures = {
        "unsigned": "",
        "not base64": "%%%",
        "other bytes": signer.sign(b"something else", key),
        "other key": Signer(world.people.client("kms")).sign(ARCHIVE, key),
        "other application": signer.sign(ARCHIVE, f"{world.application}-2/1.0.zip"),
        "newer name": signer.sign(ARCHIVE, f"{world.application}/0.9.zip"),
        "bytes alone": signer.sign_bytes_alone(ARCHIVE),
    }
    before = (world.alias, world.versions)
    drop = world.drop("1.0", body=ARCHIVE, signature=signatures[case])
    ended = world.roll_out(drop)
    assert ended["status"] == Status.REJECTED
    assert "sign" in ended["reason"]
    assert ("over the bytes alone" in ended["reason"]) == (case == "bytes alone")
    assert (world.alias, world.versions) == before
    assert world.command("validate", key=drop.key)["answer"] == "1.0 would be rejected"


def test_the_refusal_says_how_this_very_drop_is_signed(world: World, signer: Signer, tmp_path: Path) -> None:
    drop = world.drop("1.0", body=ARCHIVE, signature=signer.sign_bytes_alone(ARCHIVE))
    reason = world.roll_out(drop)["reason"]
    command = reason[reason.index("aws kms sign") :]
    text = signed_text(drop.key, hashlib.sha256(ARCHIVE).hexdigest())
    assert _message(command, tmp_path) == text


def test_the_recipe_of_the_manual_signs_what_is_verified(tmp_path: Path) -> None:
    (recipe,) = re.findall(r"^\$ (release=.*?)^\$ aws s3 cp", MANIFEST_PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "app.zip").write_bytes(ARCHIVE)
    script = re.sub(r"^\$ ", "", recipe, flags=re.MULTILINE) + '\nprintf %s "$signature"'
    assert _message(script, tmp_path) == signed_text("hello/v1.zip", hashlib.sha256(ARCHIVE).hexdigest())


def _message(command: str, directory: Path) -> bytes:
    """Return what a shell command gives the AWS CLI to sign; the CLI here prints that instead of a signature."""
    cli = directory / "aws"
    cli.write_text('#!/bin/sh\nwhile [ "$1" != --message ]; do shift; done\nprintf %s "$2"\n')
    cli.chmod(0o755)
    environment = {**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"}
    shell = ["sh", "-ec", command]
    assert shlex.split(command)
    said = subprocess.run(shell, env=environment, cwd=directory, capture_output=True, text=True, check=True).stdout
    return base64.b64decode(said, validate=True)
