"""A dropped application answers, fails and logs as a native one under AWS's own emulator, too.

native                dropped               dropped, and the first invocation taken early
app.py at the root    its release in S3     the file that the import opens comes after the limit of init
"""

import time
import uuid
from pathlib import Path

import pytest

from tests.applications import EVENTS, LARGE, dropped_program, native_program, release, write
from tests.client_case import Case
from tests.emulator.emulator import BINARY, Answers, emulator
from tests.end_to_end import python_client_cases
from tests.end_to_end.test_bootstrap_fidelity import CASES
from tests.object_store import ObjectStore

pytestmark = pytest.mark.skipif(not BINARY.exists(), reason="`make .venv-sam/ready` brings AWS's emulator")

UNENDED = "output without line ends"
"""The emulator's own lines follow such output on the same line, with their times."""
CLIENT_CASES = {name: case for name, case in python_client_cases.CASES.items() if case.plain and name != UNENDED}

type Files = dict[str, str | bytes]

OPENS = "open('cold.bin').close()\n"
TAKEN_EARLY: dict[str, str] = {
    "answers": "def handler(event, context):\n    return event\n",
    "raises in the handler": "def handler(event, context):\n    raise KeyError(event['n'])\n",
    "raises at import": "raise ValueError('at import')\n",
    "has no handler": "",
    "exits in the handler": "import sys\ndef handler(event, context):\n    sys.exit(3)\n",
}
OVERRUNS = "import time\ndef handler(event, context):\n    time.sleep(60 if event['n'] == 1 else 0)\n    return event\n"


def natively(tmp_path: Path, files: Files, timeout: int = 20, handler: str = "app.handler") -> Answers:
    tree = write(tmp_path / "tree", files)
    with emulator(native_program(tree, tmp_path, handler=handler), tmp_path / str(uuid.uuid4()), timeout) as running:
        return running.call(*EVENTS)


def through_us(
    tmp_path: Path,
    files: Files,
    store: ObjectStore,
    timeout: int = 20,
    variables: dict[str, str] | None = None,
    handler: str = "app.handler",
) -> tuple[Answers, str]:
    pointer = release(write(tmp_path / "tree", files), handler=handler).stored(store)
    place = tmp_path / str(uuid.uuid4())
    with emulator(dropped_program(pointer, store, tmp_path, variables), place, timeout) as running:
        return running.call(*EVENTS), rf"{place}/tmp/dropshift/{pointer.sha256[:32]}"  # noqa: S108 - below the place


def same(tmp_path: Path, files: Files, store: ObjectStore, timeout: int = 20, handler: str = "app.handler") -> Answers:
    """Return what an application does natively; dropped, it does the same."""
    native = natively(tmp_path, files, timeout, handler)
    dropped, root = through_us(tmp_path, files, store, timeout, handler=handler)
    assert dropped.comparable(root) == native.comparable(str(tmp_path / "tree"))
    assert dropped.states == native.states
    return native


@pytest.mark.parametrize("files", CASES.values(), ids=CASES)
def test_a_dropped_application_behaves_as_a_native_one(
    tmp_path: Path, store: ObjectStore, files: dict[str, str]
) -> None:
    """The emulator passes variables on in no order: an application that returns them has to sort them."""
    ordered: Files = {
        name: text.replace("dict(os.environ)", "sorted(os.environ.keys() - {'AWS_ENDPOINT_URL_S3'})")
        for name, text in files.items()
    }
    assert same(tmp_path, ordered, store)


@pytest.mark.parametrize("case", CLIENT_CASES.values(), ids=CLIENT_CASES)
def test_a_dropped_application_keeps_what_the_client_promises(tmp_path: Path, store: ObjectStore, case: Case) -> None:
    assert same(tmp_path, dict(case.files), store, handler=case.handler)


def test_a_call_that_overruns_is_ended_and_the_next_one_starts_anew(tmp_path: Path, store: ObjectStore) -> None:
    assert "timed out" in same(tmp_path, {"app.py": OVERRUNS}, store, timeout=1).answers[0][1]


def taken_early(tmp_path: Path, store: ObjectStore, files: Files) -> tuple[Answers, str]:
    store.patience = lambda: time.sleep(2)
    store.misbehave = store.late_but_index_and_first
    answers, root = through_us(tmp_path, files, store, variables={"DROPSHIFT_HAND_OVER": "0.5"})
    assert answers.states[:2] == ["INIT START(type: on-demand, phase: init)", "INIT RTDONE(status: success)"]
    return answers, root


@pytest.mark.parametrize("text", TAKEN_EARLY.values(), ids=TAKEN_EARLY)
def test_an_invocation_that_is_taken_early_is_answered_as_natively(
    tmp_path: Path, store: ObjectStore, text: str
) -> None:
    """One difference: natively an error of the init phase has no request id, because there was no request."""
    files: Files = {"app.py": OPENS + text, "cold.bin": LARGE * 2}
    native = natively(tmp_path, files)
    dropped, root = taken_early(tmp_path, store, files)
    found, expected = dropped.comparable(root)[0], native.comparable(str(tmp_path / "tree"))[0]
    assert found.replace("<id>", "") == expected.replace("<id>", "")


def test_an_exit_at_import_is_an_exit_although_an_invocation_was_taken_early(
    tmp_path: Path, store: ObjectStore
) -> None:
    """Natively Lambda, not the runtime, answers for a process that is gone; the emulator leaves its answer empty."""
    files: Files = {"app.py": f"{OPENS}import sys\nsys.exit(3)\n", "cold.bin": LARGE * 2}
    exited = "Process runtime exited: exit status 3"
    assert exited in natively(tmp_path, files).states
    dropped, _ = taken_early(tmp_path, store, files)
    assert exited in dropped.states
    assert "Runtime exited with error: exit status 3" in dropped.answers[0][1]
