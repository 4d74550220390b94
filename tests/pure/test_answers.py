"""`status` on a terminal: where the traffic is, how far a release is, and what it waits for."""

from datetime import timedelta

import pytest

from deployer.commands import history, status
from deployer.commands.state import Serving, State
from deployer.model.alias import Alias
from deployer.model.overview import IgnoredDrop
from deployer.model.problem import Problem
from deployer.model.record import Record, RolledBack
from deployer.model.status import Ending, Status
from tests.pure.values import NOON, drop, untouched

ID = drop().release_id
PLAN = {"stages": (5, 50), "bakes": (timedelta(minutes=5), timedelta(minutes=15))}
SHIFTING = Record.received(drop(), NOON).with_entry(
    NOON, "shift", status=Status.SHIFTING, version="7", weight=5, staged_at=NOON, **PLAN
)
LIVE = untouched().promote("a" * 32, "5").promote("b" * 32, "6")
SPLIT = LIVE.shift(ID, "7", 5)


def serving(alias: Alias) -> list[Serving]:
    """Versions 6, of three days ago, and 7, of ten minutes ago."""
    stable = Serving(
        version="6", share=100 - alias.weight, release="1.4.0", dropped=NOON - timedelta(days=3), bundle="present"
    )
    canary = Serving(version="7", share=alias.weight, release=drop().label, dropped=NOON, bundle="present")
    return [stable, canary] if alias.canary else [stable]


def lines(alias: Alias, *running: Record, minutes: int = 2) -> list[str]:
    previous = "1.3.0 (version 5)" if alias.previous else None
    state = State(alias=alias, serving=tuple(serving(alias)), under_way=running, previous=previous)
    return shown(state, minutes)


def shown(state: State, minutes: int = 2) -> list[str]:
    found: list[str] = status.status("hello", state, NOON + timedelta(minutes=minutes))["answer"]
    return found


def test_an_application_at_rest_is_told_in_two_lines_and_where_a_rollback_goes() -> None:
    assert lines(LIVE) == [
        "100 %  1.4.0 (version 6), dropped 3 d ago, bundle present",
        "no release under way",
        "a rollback goes to 1.3.0 (version 5)",
    ]


def test_a_release_in_stages_tells_its_stage_the_time_left_and_what_comes_next() -> None:
    looked = SHIFTING.with_verdict("healthy: 30 invocations, 0 errors", 5)
    assert lines(SPLIT, looked) == [
        " 95 %  1.4.0 (version 6), dropped 3 d ago, bundle present",
        f"  5 %  {drop().label} (version 7), dropped 2 m ago, bundle present",
        f"{drop().label} is at stage 1 of 2, 5 %; 3m of 5m left, then 50 %",
        f"{drop().label}: the last look said healthy: 30 invocations, 0 errors",
    ]


@pytest.mark.parametrize(
    ("alias", "minutes", "words"),
    [
        (SPLIT, 7, "held 2m beyond its bake of 5m, then 50 %"),
        (SPLIT.pause(paused=True), 2, 'stage 1 of 2, 5 %, paused; "resume" goes on to 50 %'),
        (LIVE.shift(ID, "7", 50), 2, "stage 2 of 2, 50 %; it began just now, then all traffic"),
        (SPLIT.model_copy(update={"weight": 30}), 2, "others moved the alias"),
    ],
)
def test_what_a_release_waits_for_is_told(alias: Alias, minutes: int, words: str) -> None:
    assert words in "\n".join(lines(alias, SHIFTING, minutes=minutes))


def test_a_release_without_traffic_tells_how_long_it_has_been_where_it_is() -> None:
    bundled = Record.received(drop(), NOON).with_entry(NOON, "bundled: 4 MB", status=Status.BUNDLED)
    assert f"{drop().label} is bundled, 2 m ago" in lines(LIVE, bundled)


def test_a_bundle_that_is_gone_is_told_in_capitals() -> None:
    gone = tuple(one.model_copy(update={"bundle": "missing"}) for one in serving(LIVE))
    assert "MISSING" in shown(State(alias=LIVE, serving=gone))[0]


def test_the_step_that_runs_shows_and_since_when() -> None:
    bundling = Record.received(drop(), NOON).with_entry(NOON, "inspected", status=Status.INSPECTED)
    bundling = bundling.in_step(NOON, "being bundled (344 MB)")
    assert f"{drop().label} is being bundled (344 MB), for 2 m" in lines(LIVE, bundling)
    assert bundling.in_step(NOON + timedelta(minutes=1), "being bundled (344 MB)").step_at == NOON


def test_a_rollback_by_command_shows_with_its_reason_until_the_alias_moves_again() -> None:
    live = Record.received(drop(), NOON).ended(NOON, Ending(status=Status.LIVE, reason="it has all traffic"))
    left = live.ended(NOON, Ending(status=Status.ROLLED_BACK, reason="misclassifies"))
    assert (left.status, left.rolled_back) == (Status.LIVE, RolledBack(at=NOON, reason="misclassifies"))
    state = State(alias=LIVE, serving=tuple(serving(LIVE)), rolled_back=left)
    assert f"1.4.0 is live again since 12:00; {drop().label} was rolled back by command: misclassifies" in shown(state)
    assert history.history("hello", [left], 20, 0)["answer"][0].endswith(
        "rolled back by command at 2026-11-23 12:00:00: misclassifies"
    )
    assert left.live_again(NOON, "has all traffic again").rolled_back is None


def test_a_rejected_drop_and_an_ignored_one_show_with_what_to_do() -> None:
    problem = Problem(where="app.py", found="no such module", allowed="a module", remedy="add it")
    rejected = Record.received(drop(), NOON).ended(
        NOON, Ending(status=Status.REJECTED, reason="app.py: no such module", problems=(problem,))
    )
    ignored = IgnoredDrop(at=NOON, key="hello/v9.whl", reason="hello/v9.whl: a file name that …")
    found = shown(State(alias=LIVE, serving=tuple(serving(LIVE)), ended=rejected, ignored=(ignored,)))
    assert f"{drop().label}, dropped 2 m ago, ended rejected: app.py: no such module" in found
    assert "    to do:   add it" in found
    assert "ignored 2 m ago: hello/v9.whl: a file name that …" in found


def test_history_says_which_steps_took_long() -> None:
    seconds = {"inspect": 3.14, "make_bundle": 2.5, "publish": 0.02, "smoke_test": 1.26}
    ended = Record.received(drop(), NOON).ended(NOON, Ending(status=Status.LIVE, reason="has all traffic"))
    told = history.history("hello", [ended.model_copy(update={"seconds": seconds})], 20, 0)
    assert told["answer"][0].endswith("has all traffic (inspect 3.1 s, make bundle 2.5 s, smoke test 1.3 s)")
    assert told["releases"][0]["seconds"] == seconds


def test_a_record_keeps_the_seconds_of_every_step_whoever_knows_them() -> None:
    before = Record.received(drop(), NOON).model_copy(update={"seconds": {"inspect": 1.0, "publish": 1.0}})
    known = before.model_copy(update={"seconds": {"publish": 2.5}})
    assert before.completed(known).seconds == {"inspect": 1.0, "publish": 2.5}


def test_all_applications_are_told_line_by_line() -> None:
    state = State(alias=LIVE, serving=tuple(serving(LIVE)))
    each = [status.status(name, state, NOON) for name in ("hello", "orders")]
    assert [line.split(":")[0] for line in status.statuses(each, [], NOON)["answer"]] == ["hello"] * 3 + ["orders"] * 3
