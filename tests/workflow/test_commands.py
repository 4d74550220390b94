"""Each command by itself; test_matrix.py has each of them at every point of a release."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from deployer.model.status import Status
from tests.workflow.world import CANARY, GO_ON, NOW, World, refusal

UNDER_WAY = ("rollback", "promote", "abort", "pause", "resume")
"""Commands to a release under way."""


def during(world: World, look: int, command: Callable[[], dict[str, Any]]) -> tuple[dict[str, str], dict[str, Any]]:
    """Roll out release 1.1 and give a command at one of its looks; return the end and the answer."""
    answers: list[dict[str, Any]] = []
    world.at_look(look, lambda: answers.append(command()))
    ended = world.release("1.1", GO_ON)
    assert answers, f"the release ended before look {look}: {ended}"
    return ended, answers[0]


def ages_aside(lines: list[str]) -> list[str]:
    """Lines of a status without how long ago something was."""
    return [re.sub(r"\d+ (s|m) ago", "… ago", line) for line in lines]


def test_status_shows_traffic_release_stage_and_verdict(served: World) -> None:
    _, answer = during(served, 3, lambda: served.command("status"))
    assert [(one["release"], one["share"], one["bundle"]) for one in answer["traffic"]] == [
        ("1.0", 90, "present"),
        ("1.1", 10, "present"),
    ]
    assert answer["under_way"][0]["status"] == Status.SHIFTING
    assert [line.split(";")[0] for line in ages_aside(answer["answer"])] == [
        " 90 %  1.0 (version 2), dropped … ago, bundle present",
        " 10 %  1.1 (version 3), dropped … ago, bundle present",
        "1.1 is at stage 1 of 2, 10 %",
        "1.1: the last look said inconclusive: 0 of 10 invocations needed for a verdict",
    ]
    assert "of 5m left, then 50 %" in answer["answer"][2]


def test_a_rollback_to_what_is_live_leaves_the_canary_and_nothing_else(served: World) -> None:
    [live] = served.deployer.aws.records.newest(served.application, 1)
    ended, answer = during(served, 2, lambda: served.command("rollback", to="1.0"))
    assert ended["status"] == Status.ROLLED_BACK
    assert answer["answer"] == "all traffic is on 1.0 (version 2) again"
    after = served.deployer.aws.records.read(served.application, live.release_id)
    assert after == live
    assert served.deployer.aws.bundles.rolled_back_as(served.application, live.archive_sha256) is None


def test_a_rollback_to_the_release_in_stages_records_only_the_one_that_it_left(served: World) -> None:
    ended, answer = during(served, 2, lambda: served.command("rollback", to="1.1"))
    assert answer["answer"] == "rolled back from 1.0 (version 2) to 1.1 (version 3)"
    assert served.shares == {"3": 100}
    records = {one.release: one for one in served.deployer.aws.records.newest(served.application, 2)}
    assert records["1.0"].rolled_back
    assert not records["1.1"].rolled_back
    assert ended["status"] == Status.LIVE, ended


def test_a_rollback_to_what_is_live_takes_traffic_that_others_shifted_away(served: World) -> None:
    stable = served.alias.stable
    served.split("1", 50)
    assert served.command("rollback", to="1.0")["answer"] == "rolled back from version 1 to 1.0 (version 2)"
    assert served.shares == {stable: 100}
    [live] = served.deployer.aws.records.newest(served.application, 1)
    assert live.status is Status.LIVE


def test_a_rollback_is_one_write_and_brings_back_the_code(served: World) -> None:
    assert served.release("1.1", NOW)["status"] == Status.LIVE
    served.calls.clear()
    answer = served.command("rollback", reason="checkout fails for guests")
    assert answer["answer"] == "rolled back from 1.1 (version 3) to 1.0 (version 2)"
    assert served.calls.count("UpdateAlias") == 1
    assert served.alias.traffic == ("2", None, 0)
    body = served.lambda_.invoke(FunctionName=served.function, Qualifier="live", Payload=b"{}")["Payload"].read()
    assert b'"release": "1.0"' in body
    assert served.command("rollback")["answer"].startswith("nothing to do: already rolled back: 1.0 (version 2)")
    assert served.alias.traffic == ("2", None, 0)


def test_a_rollback_goes_to_a_release_by_name_by_id_and_by_version(served: World) -> None:
    served.release("1.1", NOW)
    served.release("1.2", NOW)
    first = served.command("history", limit=3)["releases"][-1]
    for to in ("1.0", first["release_id"], "2"):
        assert served.command("rollback", to=to)["answer"].startswith(("rolled back", "nothing to do"))
        assert served.alias.stable == "2"


def test_a_rollback_to_what_is_no_release_is_refused_and_changes_nothing(served: World) -> None:
    before = served.alias
    served.calls.clear()
    for to in ("999", "0", "$LATEST", "\u0663", "1", "nightly"):
        assert "refused" in served.command("rollback", to=to)["answer"]
    assert served.alias == before
    assert "UpdateAlias" not in served.calls


def test_a_rollback_to_an_unknown_release_names_the_five_newest(served: World) -> None:
    for number in range(1, 6):
        served.release(f"1.{number}", NOW)
    [problem] = served.command("rollback", to="nightly")["problems"]
    known = ", ".join(f"1.{number} (version {number + 2})" for number in (5, 4, 3, 2, 1))
    said = {"where": "to", "found": '"nightly"', "allowed": known, "remedy": "name one of these"}
    assert problem == problem | said


def test_a_rollback_to_a_release_whose_bundle_is_gone_is_refused(served: World) -> None:
    served.release("1.1", NOW)
    for found in served.s3.list_object_versions(
        Bucket=served.settings.bundles_bucket, Prefix=f"bundles/{served.application}/"
    )["Versions"]:
        served.s3.delete_object(Bucket=served.settings.bundles_bucket, Key=found["Key"], VersionId=found["VersionId"])
    gone = ("to", "1.0 (version 2), whose bundle is gone", "a version whose bundle exists", "drop the release again")
    assert refusal(served.command("rollback")) == gone


@pytest.mark.parametrize(("action", "status"), [("rollback", Status.ROLLED_BACK), ("abort", Status.ABORTED)])
def test_a_release_under_way_ends_with_the_reason_that_was_given(served: World, action: str, status: Status) -> None:
    ended, _ = during(served, 7, lambda: served.command(action, reason="not today"))
    assert (ended["status"], ended["reason"]) == (status, "not today")
    assert served.alias.traffic == ("2", None, 0)


def test_an_abort_between_publishing_and_the_smoke_test_keeps_the_release_from_any_traffic(served: World) -> None:
    served.before_call("PublishVersion", lambda: served.command("abort", reason="wrong file"))
    ended = served.release("1.1", GO_ON)
    assert (ended["status"], ended["reason"]) == (Status.ABORTED, "wrong file")
    assert served.calls.count("UpdateAlias") == 2  # the first release's promotion, and the abort's note


def test_a_promotion_by_hand_goes_to_the_next_stage_and_the_release_bakes_there(served: World) -> None:
    shares: list[int] = []
    served.at_every_look(lambda: shares.append(served.alias.weight))
    ended, answer = during(served, 1, lambda: served.command("promote"))
    assert answer["answer"] == "done: shift 50 % of the traffic to 1.1 (version 3)"
    assert ended["status"] == Status.LIVE
    assert (shares.count(10), shares.count(50)) == (1, 11)


def test_a_paused_release_stays_until_it_is_resumed(served: World) -> None:
    served.at_every_look(served.serve_well)
    served.at_look(2, lambda: served.command("pause"))
    served.at_look(16, lambda: served.command("resume"))
    shares: list[int] = []
    served.at_every_look(lambda: shares.append(served.alias.weight))
    assert served.release("1.1", CANARY)["status"] == Status.LIVE
    assert shares[:16] == [10] * 16


@pytest.mark.parametrize(
    ("action", "fields", "traffic"),
    [
        ("rollback", {}, ("3", None, 0)),
        ("abort", {}, ("3", None, 0)),
        ("pause", {}, ("3", "4", 10)),
        ("promote", {"weight": 50}, ("3", "4", 50)),
        ("promote", {"full": True}, ("4", None, 0)),
    ],
    ids=str,
)
def test_a_command_that_is_sent_twice_is_done_once(
    served: World, action: str, fields: dict[str, Any], traffic: tuple[str, str | None, int]
) -> None:
    """A client that got no answer sends the command again."""
    served.release("1.0.1", NOW)  # so that there is a previous release, which a second rollback must not go back to
    stood: list[object] = []

    def twice() -> None:
        first, second = (served.command(action, **fields) for _ in range(2))
        assert "nothing to do" not in first["answer"]
        assert "nothing to do" in second["answer"], second
        stood.append(served.alias.traffic)
        served.command("abort")

    served.at_look(1, twice)
    served.release("1.1", GO_ON)
    assert stood == [traffic]
