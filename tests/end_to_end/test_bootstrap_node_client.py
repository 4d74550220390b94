"""The promises of AWS's client for Node.js, by its own tests, hold for a dropped application as for a native one."""

from pathlib import Path

import pytest

from tests.client_case import Case, ended
from tests.end_to_end.node_client_cases import CASES
from tests.end_to_end.test_bootstrap_node import both
from tests.object_store import ObjectStore

RUNTIMES = ("nodejs22.x", "nodejs26.x")
"""Both clients, on the oldest and the newest Node; the emulator's tests run them on the one between."""


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_dropped_application_keeps_what_the_client_promises(
    tmp_path: Path, store: ObjectStore, case: Case, name: str
) -> None:
    happened, natively, through_us = both(tmp_path, store, name, case)
    assert ended(happened) == (case.later or case.ends if name != "nodejs22.x" else case.ends)
    assert through_us == natively
