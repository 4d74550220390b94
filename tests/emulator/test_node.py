"""As test_python.py, for Node.js: a dropped application behaves as a native one under AWS's own emulator."""

import re
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import toolchains
from tests.applications import EVENTS, dropped_program, native_program, release, write
from tests.client_case import Case
from tests.emulator.emulator import BINARY, emulator
from tests.end_to_end import node_client_cases
from tests.end_to_end.test_bootstrap_node import CASES, FOREIGN, IMPORTER
from tests.local.environments import Program
from tests.object_store import ObjectStore

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason="`make .venv-sam/ready` brings AWS's emulator")

BREAKING_OFF = {"breaks off in the middle of a stream", "no error but text"}
"""Natively, too, the emulator ends a process whose stream broke off in some runs, and keeps it in others."""
STEADY = {name: files for name, files in CASES.items() if name not in BREAKING_OFF}
CLIENT_CASES = {name: case for name, case in node_client_cases.CASES.items() if case.plain and name not in BREAKING_OFF}


def _run(program: Program, place: Path, root: str) -> tuple[str, set[str], list[str]]:
    """Return answers, the different lines of output, and states: after a broken stream the client repeats a line."""
    with emulator(program, place) as running:
        found = running.call(*EVENTS)
    answers, output = (_neutral(text) for text in found.comparable(root))
    return answers, set(output.splitlines()), found.states


def _neutral(text: str) -> str:
    text = re.sub(r"\(node:\d+\)", "(node)", text)
    return re.sub(FOREIGN, "", re.sub(IMPORTER, r"\1<importer>", text))


@pytest.mark.parametrize("files", STEADY.values(), ids=STEADY)
def test_a_dropped_node_application_behaves_as_a_native_one(
    tmp_path: Path, store: ObjectStore, files: dict[str, str]
) -> None:
    _check(tmp_path, store, files, "app.handler")


@pytest.mark.parametrize("case", CLIENT_CASES.values(), ids=CLIENT_CASES)
def test_a_dropped_application_keeps_what_the_client_promises(tmp_path: Path, store: ObjectStore, case: Case) -> None:
    _check(tmp_path, store, case.files, case.handler)


def _check(tmp_path: Path, store: ObjectStore, files: Mapping[str, str], handler: str) -> None:
    tree = write(tmp_path / "tree", files)
    pointer = release(tree, kind="nodejs", handler=handler).stored(store)
    runtime = toolchains.node_runtime()
    place = tmp_path / str(uuid.uuid4())
    program = native_program(tree, tmp_path, runtime=runtime, handler=handler)
    native = _run(program, tmp_path / str(uuid.uuid4()), str(tree))
    root = rf"{place}/tmp/dropshift/{pointer.sha256[:32]}"  # noqa: S108 - below the test's own directory
    assert _run(dropped_program(pointer, store, tmp_path, runtime=runtime), place, root) == native
