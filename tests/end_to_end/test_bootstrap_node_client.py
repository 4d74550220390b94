"""The promises of AWS's client for Node.js, by its own tests, hold for a dropped application as for a native one."""

from pathlib import Path

import pytest

from tests import toolchains
from tests.applications import call, dropped, native, release, write
from tests.client_case import Case, ended
from tests.end_to_end.node_client_cases import CASES
from tests.end_to_end.test_bootstrap_node import compared
from tests.object_store import ObjectStore

RUNTIMES = ("nodejs22.x", "nodejs26.x")
"""Both clients, on the oldest and the newest Node; the emulator's tests run them on the one between."""


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_dropped_application_keeps_what_the_client_promises(
    tmp_path: Path, store: ObjectStore, case: Case, name: str
) -> None:
    tree = write(tmp_path / "tree", case.files)
    told, runtime = {"AWS_EXECUTION_ENV": f"AWS_Lambda_{name}", **case.variables}, toolchains.node_runtime(name)
    with native(tree, tmp_path, told, runtime, case.handler) as environment:
        natively = call(environment, *case.events)
    assert ended(natively) == (case.later or case.ends if name != "nodejs22.x" else case.ends)
    pointer = release(tree, kind="nodejs", handler=case.handler).stored(store)
    with dropped(pointer, store, tmp_path, told, runtime) as environment:
        happened = call(environment, *case.events)
    root = rf"{tmp_path}/[-0-9a-f]+/tmp/dropshift/{pointer.sha256[:32]}"
    assert compared(happened, root) == compared(natively, str(tree))
