"""An environment is frozen while it loads, as between any two invocations, and its connections are closed meanwhile.

    first call answered -> frozen, connections closed -> 2 s, 60 s -> thawed -> a call that needs the rest

Runs where tests/local/confinement.py does: `make confined`.
"""

import hashlib
import json
import os
import threading
import time
from pathlib import Path

import pytest

from tests.applications import LARGE, call, dropped, invocation, release, write
from tests.local import confinement
from tests.local.waiting import until
from tests.object_store import ObjectStore

pytestmark = pytest.mark.skipif(confinement.VARIABLE not in os.environ, reason="`make confined` freezes environments")

APP = """\
import hashlib
def handler(event, context):
    return [hashlib.sha256(open(name, "rb").read()).hexdigest() for name in event["names"]]
"""
FILES: dict[str, str | bytes] = {"app.py": APP, **{f"{n}.bin": LARGE * 3 + bytes([n]) for n in range(6)}}
NAMES = [f"{n}.bin" for n in range(6)]
EXPECTED = [hashlib.sha256(LARGE * 3 + bytes([n])).hexdigest() for n in range(6)]


@pytest.mark.parametrize("seconds", [2, 60])
def test_a_load_goes_on_after_its_environment_was_frozen(tmp_path: Path, store: ObjectStore, seconds: int) -> None:
    """Right bytes, or an environment that ends and starts again rightly: never another answer."""
    pointer = release(write(tmp_path / "tree", FILES)).stored(store)
    thawed = threading.Event()
    store.misbehave, store.patience = store.late_but_index_and_first, thawed.wait
    with dropped(pointer, store, tmp_path) as environment:
        assert environment.start().kind == "ready"
        assert json.loads(environment.run(invocation({"names": []}), 10).payload) == []
        until(lambda: len(store.requests) > 2)
        assert environment.confinement is not None
        environment.confinement.freeze()
        store.close_connections()
        time.sleep(seconds)  # the time that it is frozen for
        thawed.set()
        environment.confinement.thaw()
        outcome = environment.run(invocation({"names": NAMES}), 60)
        if outcome.kind == "exited":
            outcome = call(environment, {"names": NAMES}).outcomes[-1]
    assert json.loads(outcome.payload) == EXPECTED
