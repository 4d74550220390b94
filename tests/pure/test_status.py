"""`status` and `history`: whole answers, and each line that a person reads."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from deployer.commands import answers, history, status
from deployer.commands.state import Serving, State, Summary, Warm
from deployer.model.alias import Alias
from deployer.model.overview import IgnoredDrop
from deployer.model.problem import Problem
from deployer.model.record import Record
from deployer.model.status import Ending, Status
from tests.pure.values import NOON, drop, untouched

ID, NAME = drop().release_id, drop().label
LIVE = untouched().promote("a" * 32, "5").promote("b" * 32, "6")
SPLIT = LIVE.shift(ID, "7", 5)
STABLE = Serving(version="6", share=100, release="1.3.0", release_id="b" * 32, dropped=NOON, bundle="none")
RECEIVED = Record.received(drop(), NOON)
SHIFTING = RECEIVED.with_entry(
    NOON,
    "shift",
    status=Status.SHIFTING,
    version="7",
    weight=5,
    staged_at=NOON,
    stages=(5, 50),
    bakes=(timedelta(minutes=5), timedelta(minutes=15)),
)
IGNORED = IgnoredDrop(at=NOON, key="hello/v9.whl", reason="no release")
REJECTED = RECEIVED.ended(NOON, Ending(status=Status.REJECTED, reason="no module"))


def after(minutes: float = 2) -> datetime:
    return NOON + timedelta(minutes=minutes)


def lines(alias: Alias, *under_way: Record, minutes: float = 2, **more: Any) -> list[str]:  # noqa: ANN401 - any field of a state
    state = State(alias=alias, serving=(STABLE,), under_way=under_way, **more)
    found: list[str] = status.status("hello", state, after(minutes))["answer"]
    return found


def test_the_whole_answer_of_an_application_at_rest() -> None:
    state = State(alias=LIVE, serving=(STABLE,), previous="1.2.0 (version 5)", ended=REJECTED, ignored=(IGNORED,))
    last = [
        f"{NAME}, dropped 2 m ago, ended rejected: no module",
        "ignored 2 m ago: no release",
        "a rollback goes to 1.2.0 (version 5)",
    ]
    assert status.status("hello", state, after()) == {
        "application": "hello",
        "answer": ["100 %  1.3.0 (version 6), dropped 2 m ago", "no release under way", *last],
        "notes": last,
        "traffic": [STABLE.model_dump(mode="json")],
        "provisioned": [],
        "previous": "5",
        "paused": False,
        "moved_by_others": False,
        "under_way": [],
        "ended": history.fields_of(REJECTED),
        "ignored": [IGNORED.model_dump(mode="json")],
    }


def test_the_whole_answer_of_an_application_in_a_stage_that_is_paused() -> None:
    warm = Warm(version="6", release="1.3.0", environments=3, status="READY", dollars_per_hour=1234.5)
    state = State(alias=SPLIT.pause(paused=True), serving=(STABLE,), under_way=(SHIFTING,), warm=(warm,), not_shown=4)
    kept = (
        "1.3.0 (version 6) keeps 3 environments ready (READY), about $1,234.50 an hour"
        " (estimate: list price of us-east-1, November 2026)"
    )
    answer = status.status("hello", state, after())
    assert answer["answer"] == [
        "100 %  1.3.0 (version 6), dropped 2 m ago",
        kept,
        f'{NAME} is at stage 1 of 2, 5 %, paused; "resume" goes on to 50 %',
        "4 more drops wait; all but the newest will end superseded",
    ]
    assert answer["notes"] == [kept]
    assert answer["provisioned"] == [warm.model_dump(mode="json")]
    assert answer["under_way"] == [history.fields_of(SHIFTING)]
    assert (answer["previous"], answer["paused"], answer["moved_by_others"]) == (None, True, False)
    assert answer["ended"] is None


def test_a_release_in_stages_shows_beside_the_stable_one_with_its_last_verdict() -> None:
    stable = STABLE.model_copy(update={"share": 95, "bundle": "present"})
    canary = Serving(version="7", share=5, release=NAME, dropped=NOON, bundle="missing")
    looked = SHIFTING.with_verdict("healthy: 30 invocations, 0 errors", 5)
    state = State(alias=SPLIT, serving=(stable, canary), under_way=(looked,))
    assert status.status("hello", state, after())["answer"] == [
        " 95 %  1.3.0 (version 6), dropped 2 m ago, bundle present",
        f"  5 %  {NAME} (version 7), dropped 2 m ago, its bundle is MISSING",
        f"{NAME} is at stage 1 of 2, 5 %; 3m of 5m left, then 50 %",
        f"{NAME}: the last look said healthy: 30 invocations, 0 errors",
    ]


def test_an_alias_that_others_moved_is_shown_first() -> None:
    moved = SPLIT.model_copy(update={"weight": 30})
    answer = status.status("hello", State(alias=moved, serving=(STABLE,)), after())
    assert answer["answer"][1] == "others moved the alias after the deployer's last move"
    assert answer["moved_by_others"]
    untold = status.status("hello", State(alias=untouched("6"), serving=(STABLE,)), after())
    assert not untold["moved_by_others"]
    assert untold["answer"][-1] == "nothing to roll back to yet"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 m"),
        (3_599, "59 m"),
        (3_600, "1 h"),
        (86_399, "23 h"),
        (86_400, "1 d"),
        (200_000, "2 d"),
    ],
)
def test_an_age_is_in_its_largest_unit(seconds: int, age: str) -> None:
    assert lines(LIVE, RECEIVED, minutes=seconds / 60)[1] == f"{NAME} is received, {age} ago"


@pytest.mark.parametrize(
    ("alias", "record", "minutes", "line"),
    [
        (SPLIT, SHIFTING, 4, "at stage 1 of 2, 5 %; 1m of 5m left, then 50 %"),
        (SPLIT, SHIFTING, 5, "at stage 1 of 2, 5 %; held 0s beyond its bake of 5m, then 50 %"),
        (SPLIT, SHIFTING, 7.5, "at stage 1 of 2, 5 %; held 2m30s beyond its bake of 5m, then 50 %"),
        (
            LIVE.shift(ID, "7", 50),
            SHIFTING.with_entry(after(5), "x", weight=50, staged_at=after(5)),
            6,
            "at stage 2 of 2, 50 %; 14m of 15m left, then all traffic",
        ),
        (
            SPLIT,
            SHIFTING.model_copy(update={"staged_at": None}),
            2,
            "at stage 1 of 2, 5 %; it began just now, then 50 %",
        ),
        (SPLIT, SHIFTING.model_copy(update={"bakes": ()}), 2, "at stage 1 of 2, 5 %; it began just now, then 50 %"),
        (SPLIT, SHIFTING.model_copy(update={"stages": (10,)}), 2, "at 5 %"),
        (SPLIT.model_copy(update={"canary": "8"}), SHIFTING, 2, "shifting, 2 m ago"),
        (SPLIT, SHIFTING.model_copy(update={"version": None}), 2, "shifting, 2 m ago"),
        (LIVE, RECEIVED.model_copy(update={"step": "being inspected"}), 2, "received, 2 m ago"),
        (LIVE, RECEIVED.in_step(after(1), "being inspected"), 2, "being inspected, for 1 m"),
    ],
)
def test_a_release_is_at_a_stage_or_in_a_step(alias: Alias, record: Record, minutes: float, line: str) -> None:
    assert f"{NAME} is {line}" in lines(alias, record, minutes=minutes)


@pytest.mark.parametrize(
    ("what", "by", "said"),
    [
        ("by command: pause at 5 %", "", " since 12:01"),
        ("by command: pause at 5 % (not (yet))", "", " since 12:01 (not (yet))"),
        ("by command: pause at 5 % (lunch)", "ann", " since 12:01 (lunch), said by ann"),
        ("by command: resume at 5 %", "ann", ""),
    ],
)
def test_a_pause_has_its_time_its_reason_and_its_sender(what: str, by: str, said: str) -> None:
    earlier = SHIFTING
    for weight in (1, 2) if said else ():
        earlier = earlier.with_entry(NOON, f"by command: pause at {weight} % (too early)")
    paused = earlier.with_move(after(1), what, "r9").with_sender(by, earlier)
    expected = f'{NAME} is at stage 1 of 2, 5 %, paused{said}; "resume" goes on to 50 %'
    assert expected in lines(SPLIT.pause(paused=True), paused)


def test_a_rollback_is_shown_with_its_time_reason_and_sender() -> None:
    live = RECEIVED.ended(NOON, Ending(status=Status.LIVE, reason="has all traffic"))
    back = live.ended(NOON, Ending(status=Status.ROLLED_BACK, reason="slow")).with_sender("ann", live)
    assert (back.status, back.live_again(NOON, "has all traffic again").rolled_back) == (Status.LIVE, None)
    line = f"1.3.0 is live again since 12:00; {NAME} was rolled back by command: slow, said by ann"
    assert line in lines(LIVE, rolled_back=back)
    begun = RECEIVED.ended(NOON, Ending(status=Status.ROLLED_BACK, reason="slow")).with_sender("bob", RECEIVED)
    assert f"1.3.0 is live again; {NAME} was rolled back by command: slow, said by bob" in lines(
        LIVE, rolled_back=begun
    )
    assert history.ending(back) == (
        f"{NAME} live: has all traffic; rolled back by command at 2026-11-23 12:00:00: slow, said by ann"
    )


def test_the_problems_of_a_rejected_drop_are_shown_in_twelve_lines() -> None:
    problems = tuple(Problem(where="a", found=str(one), allowed="b", remedy="c") for one in range(9))
    ended = REJECTED.model_copy(update={"problems": problems})
    shown = lines(LIVE, ended=ended)
    assert len([line for line in shown if line.startswith("    ")]) == 12
    assert all(line == f"    {line.strip()}" for line in shown if line.startswith("    "))
    assert "    to do:   c" in shown


def test_one_of_many_applications_is_shown_in_a_line_for_each_release() -> None:
    found = Summary(
        application="hello",
        version="6",
        release="1.3.0",
        dropped=NOON,
        under_way=(SHIFTING, RECEIVED),
        ended=REJECTED.model_copy(update={"problems": (Problem(where="a", found="b", allowed="c", remedy="d"),)}),
        ignored=(IGNORED,),
    )
    assert status.summary(found, after()) == {
        "application": "hello",
        "answer": [
            "1.3.0 (version 6) is live, dropped 2 m ago",
            f"{NAME} is shifting, 2 m ago, 5 % of the traffic",
            f"{NAME} is received, 2 m ago",
            f"{NAME}, dropped 2 m ago, ended rejected: no module",
            "ignored 2 m ago: no release",
        ],
        "version": "6",
        "release": "1.3.0",
        "under_way": [history.fields_of(SHIFTING), history.fields_of(RECEIVED)],
    }
    empty = status.summary(Summary(application="hello", version="1"), NOON)
    assert (empty["answer"], empty["release"], empty["under_way"]) == (["no release yet"], None, [])
    undated = Summary(application="hello", version="6", release="1.3.0")
    assert status.summary(undated, NOON)["answer"] == ["1.3.0 (version 6) is live"]


def test_the_status_of_all_has_each_and_what_was_ignored_of_none() -> None:
    each = [status.summary(Summary(application=name, version="1"), NOON) for name in ("hello", "orders")]
    assert status.statuses(each, [IGNORED], after()) == {
        "answer": ["hello: no release yet", "orders: no release yet", "ignored 2 m ago: no release"],
        "applications": each,
        "ignored": [IGNORED.model_dump(mode="json")],
    }


def test_history_has_the_time_of_the_end_or_of_the_last_change() -> None:
    ended = RECEIVED.ended(after(3), Ending(status=Status.LIVE, reason="has all traffic")).with_entry(after(9), "later")
    under_way = RECEIVED.with_entry(after(5), "inspected", status=Status.INSPECTED)
    assert history.history("hello", [under_way, ended], 3, 0) == {
        "application": "hello",
        "answer": [f"2026-11-23 12:05:00 {NAME} inspected", f"2026-11-23 12:03:00 {NAME} live: has all traffic"],
        "releases": [history.fields_of(under_way), history.fields_of(ended)],
    }


@pytest.mark.parametrize(("limit", "keep_days", "explained"), [(1, 30, False), (2, 30, True), (2, 0, False)])
def test_history_says_why_there_is_no_more_of_it(limit: int, keep_days: int, *, explained: bool) -> None:
    found = history.history("hello", [RECEIVED], limit, keep_days)["answer"][1:]
    line = "older records are deleted after 30 days, unless they are needed (KeepRecordsDays)"
    assert found == ([line] if explained else [])


def test_a_step_is_named_from_half_a_second_on() -> None:
    record = RECEIVED.model_copy(update={"seconds": {"inspect": 0.5, "make_bundle": 2.5, "publish": 0.49}})
    assert history.ending(record) == f"{NAME} received (inspect 0.5 s, make bundle 2.5 s)"
    assert history.ending(RECEIVED.model_copy(update={"seconds": {"inspect": 0.1}})) == f"{NAME} received"


def test_a_record_keeps_the_seconds_of_every_step_and_when_the_present_one_began() -> None:
    before = RECEIVED.model_copy(update={"seconds": {"inspect": 1.0, "publish": 1.0}})
    known = before.model_copy(update={"seconds": {"publish": 2.5}})
    assert before.completed(known).seconds == {"inspect": 1.0, "publish": 2.5}
    bundling = before.in_step(NOON, "being bundled (344 MB)")
    assert bundling.in_step(after(1), "being bundled (344 MB)").step_at == NOON


def test_fields_that_are_empty_are_left_out() -> None:
    fields = history.fields_of(RECEIVED)
    assert set(fields) == {"release_id", "application", "release", "key", "version_id", "status", "seconds", "timeline"}
    assert fields["timeline"] == [{"at": "2026-11-23T12:00:00Z", "what": "received"}]


@pytest.mark.parametrize(
    ("release", "version", "title"),
    [("1.0", "7", "1.0 (version 7)"), ("1.0", None, "1.0"), (None, "7", "version 7"), ("1.0", "", "1.0")],
)
def test_a_title_is_a_release_with_its_version(release: str | None, version: str | None, title: str) -> None:
    assert answers.titled(release, version) == title


def test_an_answer_says_what_was_done_or_would_be_and_why_nothing_was() -> None:
    assert answers.done("shift", version="7") == {"answer": "shift", "version": "7"}
    assert answers.done("shift", dry_run=True, id="x") == {"answer": "would shift", "id": "x"}
    assert answers.nothing_to_do("it is live") == {"answer": "nothing to do: it is live"}
    refused = answers.refusal("to", "version 9", "a release", "name one")
    problem = {"where": "to", "found": "version 9", "allowed": "a release", "remedy": "name one"}
    assert refused["answer"] == "refused; nothing was changed"
    assert [{key: one[key] for key in problem} for one in refused["problems"]] == [problem]
    assert all(any(words in line for line in refused["report"]) for words in problem.values())
