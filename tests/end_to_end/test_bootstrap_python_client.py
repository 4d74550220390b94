"""The promises of AWS's client for Python, by its own tests, hold for a dropped application as for a native one.

native                dropped               dropped, and the first invocation taken early
app.py at the root    its release in S3     the file that the import opens comes after the limit of init
"""

import json
import threading
from pathlib import Path

import pytest

from tests.applications import LARGE, Happened, call, compared, dropped, native, release, write
from tests.client_case import Case, ended
from tests.end_to_end.python_client_cases import BEYOND_ASCII, CASES
from tests.local.waiting import until
from tests.object_store import ObjectStore

OPENS = "open('cold.bin', 'rb').close()\n"


def _natively(case: Case, tree: Path, place: Path) -> Happened:
    with native(tree, place, case.variables, handler=case.handler) as environment:
        return call(environment, *case.events)


def _dropped_root(place: Path, sha256: str) -> str:
    return rf"{place}/[-0-9a-f]+/tmp/dropshift/{sha256[:32]}"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_dropped_application_keeps_what_the_client_promises(tmp_path: Path, store: ObjectStore, case: Case) -> None:
    tree = write(tmp_path / "tree", case.files)
    natively = _natively(case, tree, tmp_path)
    assert ended(natively) == case.ends
    expected = compared(natively, str(tree))
    assert case.says in "".join(expected)
    pointer = release(tree, handler=case.handler).stored(store)
    with dropped(pointer, store, tmp_path, case.variables) as environment:
        happened = call(environment, *case.events)
    assert compared(happened, _dropped_root(tmp_path, pointer.sha256)) == expected


@pytest.mark.parametrize("name", sorted(CASES.keys() - BEYOND_ASCII))
def test_an_invocation_that_is_taken_early_keeps_it_too(tmp_path: Path, store: ObjectStore, name: str) -> None:
    natively, early = _taken_early(tmp_path, store, CASES[name])
    if json.loads(early[0])[0] != json.loads(natively[0])[0]:  # init failed, and its error has answered the invocation
        natively, early = ([_of_init(kept[0]), kept[1].replace("<id>", "")] for kept in (natively, early))
    assert early == natively


@pytest.mark.parametrize("name", sorted(BEYOND_ASCII))
def test_an_error_of_init_that_answers_an_invocation_has_all_its_letters(
    tmp_path: Path, store: ObjectStore, name: str
) -> None:
    natively, early = (_of_init(kept[0]) for kept in _taken_early(tmp_path, store, CASES[name]))
    assert "Käse" in early
    assert "Käse" not in natively


def _of_init(outcomes: str) -> str:
    """Return the error that ended init; one that answers an invocation also has its id, and a cause for X-Ray."""
    ended = next(payload for kind, _, payload, *_ in json.loads(outcomes) if kind != "ready")
    return str(ended).replace("<id>", "")


def _taken_early(place: Path, store: ObjectStore, case: Case) -> tuple[list[str], list[str]]:
    """Return what an application does natively, and when its import has to wait for a file until after the limit."""
    module = case.handler.rpartition(".")[0].replace(".", "/") + ".py"
    opening: dict[str, str | bytes] = {**case.files, module: OPENS + case.files[module], "cold.bin": LARGE * 2}
    tree = write(place / "tree", opening)
    natively = compared(_natively(case, tree, place), str(tree))
    pointer = release(tree, handler=case.handler).stored(store)
    handed_over = threading.Event()
    store.patience = lambda: until(handed_over.is_set)
    store.misbehave = store.late_but_index_and_first
    variables = {**case.variables, "DROPSHIFT_HAND_OVER": "0.5"}
    with dropped(pointer, store, place, variables) as environment:
        early = call(environment, *case.events, started=handed_over.set)
    return natively, compared(early, _dropped_root(place, pointer.sha256))
