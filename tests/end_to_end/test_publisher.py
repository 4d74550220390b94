"""A role with the policy that the stack outputs for pipelines: a release by the command line, and nothing beside it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployment import zipped
from tests.end_to_end.stack import serving
from tests.local import LocalAws

ROOT = Path(__file__).parents[2]


class Publisher:
    """A role with this one policy, tagged with its application, and a shell."""

    def __init__(self, aws: LocalAws, policy: str, folder: Path) -> None:
        key = _credentials(aws, policy)
        mine = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        mine["AWS_SESSION_TOKEN"] = key["SessionToken"]
        self._environment = {**os.environ, **aws.environment, **mine, "PYTHONPATH": str(ROOT)}
        self.archive = folder / "1.0.zip"
        large = os.urandom(9 << 20)  # goes up in parts
        self.archive.write_bytes(zipped({"lambda_function.py": serving("1.0"), "data.bin": large}))

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run a verb."""
        command = [sys.executable, "-m", "deployer", *map(str, words)]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)


def _credentials(aws: LocalAws, policy: str) -> dict[str, Any]:
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    tags = [{"Key": "dropshift-application", "Value": "hello"}]
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="release-hello", AssumeRolePolicyDocument=document, Tags=tags)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="release-hello", PolicyArn=policy)
    assumed = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="job")
    found: dict[str, Any] = assumed["Credentials"]
    return found


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    with LocalAws(auth=True, speed=60) as aws:
        outputs = aws.dropshift()
        aws.application("orders")
        yield Publisher(aws, outputs["PublisherPolicy"], tmp_path_factory.mktemp("shell"))


def test_it_drops_follows_and_commands_its_own_application(publisher: Publisher) -> None:
    dropped = publisher.run("drop", publisher.archive, "hello", "--watch")
    assert dropped.returncode == 0, dropped
    for words in (["status", "hello"], ["history", "hello"], ["pause", "hello"], ["rollback", "hello", "--dry-run"]):
        assert publisher.run(*words).returncode in (0, 1), words
    assert json.loads(publisher.run("history", "hello", "--output", "json").stdout)["releases"][0]["status"] == "live"


@pytest.mark.parametrize(
    "words",
    [
        ["status", "orders"],
        ["rollback", "orders", "--yes"],
        ["prune", "hello", "--dry-run"],
        ["status"],
        ["logs", "hello"],
    ],
    ids=" ".join,
)
def test_it_reaches_nothing_else(publisher: Publisher, words: list[str]) -> None:
    denied = publisher.run(*words)
    assert denied.returncode == 3, denied
    assert "docs/ci.md" in denied.stderr


def test_it_drops_for_no_other_application(publisher: Publisher) -> None:
    denied = publisher.run("drop", publisher.archive, "orders")
    assert denied.returncode == 3, denied
    assert "AccessDenied" in denied.stderr
