"""Every Python that is served, one after another under one function: releases, their bytecode, and the way back."""

from collections.abc import Iterator

import pytest

from tests import pythons, toolchains
from tests.deployment import APPLICATION
from tests.end_to_end.stack import Stack
from tests.local import LocalAws

HANDLER = """
import sys

def lambda_handler(event, context):
    return [{release!r}, "{{}}.{{}}".format(*sys.version_info)]
"""


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Yield a stack whose roles may do what template.yaml grants; its application runs on the oldest version first."""
    for version in pythons.served():
        toolchains.python(version)
    with LocalAws(auth=True, speed=60) as aws:
        yield Stack(aws, runtime=f"python{pythons.served()[0]}")


def test_each_release_runs_on_the_runtime_of_its_time_with_bytecode_for_it_and_so_it_does_after_a_rollback(
    stack: Stack,
) -> None:
    for version in pythons.served():
        before = stack.traffic
        stack.aws.application(APPLICATION, {"Runtime": f"python{version}"})
        assert stack.traffic == before, "a change of Runtime moves no traffic"
        _release(stack, version)
    *_, previous, _current = pythons.served()
    stack.command("rollback", reason="a test")
    assert stack.ask()[1] == [previous, previous]
    oldest = pythons.served()[0]
    stack.command("rollback", to=f"on {oldest}")
    assert stack.ask()[1] == [oldest, oldest]


def _release(stack: Stack, version: str) -> None:
    stack.live(f"on {version}", files={"lambda_function.py": HANDLER.format(release=version)})
    assert stack.ask()[1] == [version, version]
    bytecode = f"__pycache__/lambda_function.{pythons.tag(version)}.pyc"
    compiled = {file.path for file in stack.index(stack.traffic[0]).files if file.path.endswith(".pyc")}
    assert compiled == {bytecode}
    assert bytecode in stack.profile(f"python{version}")["touched"]
