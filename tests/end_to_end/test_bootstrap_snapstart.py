"""SnapStart under AWS's own runtime client: everything before the snapshot, the application's hooks as natively.

The runtime imports the handler, runs the hooks for before the snapshot, and asks the Runtime API for /restore/next;
what answers it there has been restored, perhaps days later and many times over. Then it runs the hooks for after.

The bootstrap registers none of its own. At the snapshot its loading processes and their connections and credentials are
gone, no random number was drawn for later, and the tree is part of the snapshot, so that nothing can have gone stale.
"""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deployer.aws.profile_request import unwrap
from deployer.model.profile import Profile
from tests.applications import CREDENTIALS, call, dropped, invocation, natively_and_dropped, without_bytecode
from tests.object_store import ObjectStore

SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
HOOKED = """\
from snapshot_restore_py import register_after_restore, register_before_snapshot
seen = ["imported"]

@register_before_snapshot
def first():
    seen.append("before, registered first")

@register_before_snapshot
def second():
    seen.append("before, registered second")

@register_after_restore
def fresh():
    seen.append("after")

def handler(event, context):
    return [*seen, event]
"""
FAILING = """\
from snapshot_restore_py import register_after_restore, register_before_snapshot
import hooks
register_{moment}(hooks.fail, "much")

def handler(event, context):
    return "never"
"""
HOOKS = """\
def fail(how):
    raise LookupError(f"it went wrong {how}")
"""
OWN = """\
before, after = [], []
get_before_snapshot = lambda: before
get_after_restore = lambda: after
register_before_snapshot = lambda f, *args: before.append((f, args, {}))
register_after_restore = lambda f, *args: after.append((f, args, {}))
"""
CASES: dict[str, dict[str, str]] = {
    "has hooks": {"app.py": HOOKED},
    "fails before the snapshot": {"app.py": FAILING.format(moment="before_snapshot"), "hooks.py": HOOKS},
    "fails after the restore": {"app.py": FAILING.format(moment="after_restore"), "hooks.py": HOOKS},
    "ships the hooks' module itself": {"app.py": HOOKED, "snapshot_restore_py.py": OWN},
    "raises at import": {"app.py": "raise ValueError('at import')\n"},
    "has no hooks": {"app.py": "def handler(event, context):\n    return event\n"},
}
WEIGHTS = random.Random(8).randbytes(4 << 20)  # noqa: S311 - bytes that do not compress
FILES: dict[str, str | bytes] = {
    "app.py": "import early\n\ndef handler(event, context):\n    import late\n    return late.V\n",
    "early.py": "V = 1\n",
    "late.py": "V = 2\n",
    "weights.bin": WEIGHTS,
}
PROFILE = Profile(touched=("app.py", "early.py"), milliseconds=(0, 5), untouched=("late.py", "weights.bin"))


@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
def test_a_dropped_application_goes_through_snapshot_and_restore_as_a_native_one(
    tmp_path: Path, files: dict[str, str]
) -> None:
    natively, through_us = natively_and_dropped(tmp_path, files, SNAP_START, events=({"n": 1},))
    assert through_us == natively


def test_hooks_run_on_their_side_of_the_snapshot(tmp_path: Path, store: ObjectStore) -> None:
    with dropped(
        without_bytecode(tmp_path / "tree", store, {"app.py": HOOKED}), store, tmp_path, SNAP_START
    ) as environment:
        [answer] = call(environment, {}).answers
    before = ["imported", "before, registered second", "before, registered first"]
    assert answer == [*before, "after", {}]


@pytest.mark.parametrize(
    ("moment", "name", "status"),
    [("before_snapshot", "Runtime.BeforeSnapshotError", 64), ("after_restore", "Runtime.AfterRestoreError", 65)],
)
def test_a_hook_that_fails_is_reported_by_its_moment(
    tmp_path: Path, store: ObjectStore, moment: str, name: str, status: int
) -> None:
    files = {"app.py": FAILING.format(moment=moment), "hooks.py": HOOKS}
    with dropped(without_bytecode(tmp_path / "tree", store, files), store, tmp_path, SNAP_START) as environment:
        happened = call(environment, {})
        assert environment.process is None or environment.process.wait(5) == status
    [failed] = [one for one in happened.outcomes if one.kind == "init-error"]
    error = json.loads(failed.payload)
    assert (failed.error_type, error["errorType"], error["errorMessage"]) == (name, "LookupError", "it went wrong much")


def test_everything_is_loaded_and_imported_at_the_snapshot_and_nothing_is_asked_for_after_the_restore(
    tmp_path: Path, store: ObjectStore
) -> None:
    pointer = without_bytecode(tmp_path / "tree", store, FILES, PROFILE)
    store.patience = lambda: time.sleep(0.3)
    store.misbehave = lambda number: "late" if number > 2 else None
    with dropped(pointer, store, tmp_path, SNAP_START) as environment:
        assert environment.start().kind == "ready"
        assert environment.process is not None
        [tree] = [path for path in tmp_path.glob("*/tmp/dropshift/*") if path.is_dir()]
        assert (tree / "weights.bin").read_bytes() == WEIGHTS
        assert tree.with_suffix(".complete").exists()
        assert not _children(environment.process.pid)
        asked = len(store.requests)
        assert json.loads(environment.run(invocation({}), 5).payload) == 2
        assert len(store.requests) == asked


def test_the_first_invocation_after_a_restore_brings_home_what_the_start_touched(
    tmp_path: Path, store: ObjectStore
) -> None:
    with dropped(without_bytecode(tmp_path / "tree", store, FILES), store, tmp_path, SNAP_START) as environment:
        environment.start()
        recorded = unwrap(environment.run(invocation({}, profile=True), 5).payload)
        plain = environment.run(invocation({}, profile=True), 5)
    assert (json.loads(recorded.response), json.loads(plain.payload)) == (2, 2)
    assert recorded.profile is not None
    assert {"app.py", "early.py"} <= set(recorded.profile.touched)


def test_credentials_come_from_the_container_endpoint_once(tmp_path: Path, store: ObjectStore) -> None:
    pointer = without_bytecode(tmp_path / "tree", store, FILES)
    with _endpoint() as (asked, address):
        variables = {
            **SNAP_START,
            **dict.fromkeys(CREDENTIALS, ""),
            "AWS_REGION": "eu-central-1",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{address}/2021-01-01/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
        }
        with dropped(pointer, store, tmp_path, variables) as environment:
            assert call(environment, {}).answers == [2]
    assert asked == ["/2021-01-01/credentials token"]


def _children(process: int) -> str:
    return Path(f"/proc/{process}/task/{process}/children").read_text()


@contextmanager
def _endpoint() -> Iterator[tuple[list[str], str]]:
    """Serve credentials as the container endpoint of a SnapStart function does; yield the requests, and its address."""
    asked: list[str] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            body = json.dumps({"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield asked, f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
