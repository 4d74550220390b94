"""Lists of problems fit whatever they are written into, however many there are and however long."""

import json

from deployer.inspection.archive import Refusal
from deployer.model.inspection import Inspection
from deployer.model.manifest_file import parse
from deployer.model.problem import LISTED, Problem
from deployer.model.record import Record
from deployer.model.release import Release
from deployer.model.status import Ending, Status
from tests.pure.values import NOON, drop

MANY = tuple(Problem(where=f"a/{number}", found="bad", allowed="good", remedy="mend it") for number in range(12_000))
LONG = tuple(
    Problem(where=f"{number}é" * 999, found="ü" * 9_999, allowed="b\n", remedy="c" * 9_999) for number in range(99)
)


def test_of_many_problems_the_first_are_listed_and_the_rest_counted() -> None:
    listed = Refusal(problems=MANY).problems
    assert listed[: LISTED - 1] == MANY[: LISTED - 1]
    assert [problem.found for problem in listed[LISTED - 1 :]] == [f"{len(MANY) - LISTED + 1} more problems"]


def test_long_problems_are_cut_and_as_many_of_them_listed_as_fit() -> None:
    listed = Refusal(problems=LONG).problems
    assert 1 < len(listed) < LISTED
    assert listed[-1].found == f"{len(LONG) - len(listed) + 1} more problems"
    assert all(len(text) <= 1_000 and text.isprintable() for _, text in listed[0])
    assert len(json.dumps([dict(problem) for problem in listed])) < 50 * 1024


def test_what_was_cut_is_not_cut_again() -> None:
    for problems in (MANY, LONG):
        ending = Ending(status=Status.REJECTED, reason="x", problems=Refusal(problems=problems).problems)
        assert Ending.model_validate_json(ending.model_dump_json()).problems == Refusal(problems=problems).problems


def test_a_release_and_its_record_hold_no_more_than_fits_the_result_of_a_step() -> None:
    warnings = tuple(f"{number} " + "é" * 2_000 for number in range(4_000))
    manifest = parse(f"[smoke]\nevent = '{'a' * 60_000}'".encode())
    facts = {"sha256": "0" * 64, "size": 1, "unpacked": 1, "files": 1, "format": "zip", "storage": 1}
    start = {"kind": "python", "handler": "app.handler"}
    found = Inspection.model_validate({**facts, "start": start, "manifest": manifest, "warnings": warnings})
    release = Release(drop=drop(), inspection=found).ended(Status.REJECTED, "r\n" * 9_999, LONG)
    assert len(json.dumps(release.model_dump(mode="json", by_alias=True))) < 240 * 1024
    record = (
        Record.received(drop(), NOON).with_entry(NOON, "w" * 9_999, warnings=warnings).with_entry(NOON, "w" * 9_999)
    )
    ending = release.ending
    assert ending
    assert len(record.timeline) == 2
    assert len(json.dumps(record.ended(NOON, ending).model_dump(mode="json"))) < 240 * 1024
