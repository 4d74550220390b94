"""What `status` tells on a terminal: where the traffic is, how far a release is, and what it waits for."""

from datetime import timedelta

import pytest

from deployer.commands import answers
from deployer.commands.answers import Serving
from deployer.model.alias import Alias
from deployer.model.record import Record
from deployer.model.status import Status
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
        version="6", share=100 - alias.weight, release="1.4.0", dropped=NOON - timedelta(days=3), bundle="intact"
    )
    canary = Serving(version="7", share=alias.weight, release=drop().label, dropped=NOON, bundle="intact")
    return [stable, canary] if alias.canary else [stable]


def lines(alias: Alias, *running: Record, minutes: int = 2) -> list[str]:
    told = answers.status("hello", alias, serving(alias), running, NOON + timedelta(minutes=minutes))
    found: list[str] = told["answer"]
    return found


def test_an_application_at_rest_is_told_in_two_lines_and_where_a_rollback_goes() -> None:
    assert lines(LIVE) == [
        "100 %  1.4.0  version 6, dropped 3 d ago, bundle intact",
        "no release under way",
        "a rollback goes to version 5",
    ]


def test_a_release_in_stages_tells_its_stage_the_time_left_and_what_comes_next() -> None:
    looked = SHIFTING.with_verdict("healthy: 30 invocations, 0 errors", 5)
    assert lines(SPLIT, looked) == [
        " 95 %  1.4.0  version 6, dropped 3 d ago, bundle intact",
        f"  5 %  {drop().label}  version 7, dropped 2 m ago, bundle intact",
        f"{drop().label} is at stage 1 of 2, 5 %; 3m of 5m left, then 50 %",
        f"{drop().label}: the last look said healthy: 30 invocations, 0 errors",
    ]


@pytest.mark.parametrize(
    ("alias", "minutes", "words"),
    [
        (SPLIT, 7, "held 2m beyond its bake of 5m, then 50 %"),
        (SPLIT.pause(paused=True), 2, "stage 1 of 2, 5 %, paused; after resume, 50 %"),
        (LIVE.shift(ID, "7", 50), 2, "stage 2 of 2, 50 %; it began just now, then all traffic"),
        (SPLIT.model_copy(update={"weight": 30}), 2, "moved by others"),
    ],
)
def test_what_a_release_waits_for_is_told(alias: Alias, minutes: int, words: str) -> None:
    assert words in "\n".join(lines(alias, SHIFTING, minutes=minutes))


def test_a_release_without_traffic_tells_how_long_it_has_been_where_it_is() -> None:
    bundled = Record.received(drop(), NOON).with_entry(NOON, "bundled: 4 MB", status=Status.BUNDLED)
    assert f"{drop().label} is bundled, 2 m ago" in lines(LIVE, bundled)


def test_a_bundle_that_is_gone_is_told_in_capitals() -> None:
    gone = [one.model_copy(update={"bundle": "missing"}) for one in serving(LIVE)]
    assert "MISSING" in answers.status("hello", LIVE, gone, [], NOON)["answer"][0]


def test_all_applications_are_told_line_by_line() -> None:
    each = [answers.status(name, LIVE, serving(LIVE), [], NOON) for name in ("hello", "orders")]
    assert [line.split(":")[0] for line in answers.statuses(each)["answer"]] == ["hello"] * 3 + ["orders"] * 3
