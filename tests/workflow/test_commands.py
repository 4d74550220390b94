"""Every command at every point of a release: what it answers, what it changes, and what the release makes of it.

| command  | idle            | mid-bake                    | last stage | moved by others | names another release |
|----------|-----------------|-----------------------------|------------|-----------------|-----------------------|
| rollback | to the previous | takes the traffic away      | the same   | refused         | refused               |
| promote  | nothing to do   | next stage; all when `full` | all        | refused         | refused               |
| abort    | nothing to do   | takes the traffic away      | the same   | refused         | refused               |
| pause    | nothing to do   | stays until `resume`        | the same   | refused         | refused               |
"""

from collections.abc import Callable
from typing import Any

import pytest

from deployer.release import Status
from tests.workflow.world import World

CANARY = '[rollout]\nstages = [{ weight = 10, bake = "4s" }, { weight = 50, bake = "4s" }]\n'
GO_ON = f'{CANARY}inconclusive = "promote"\n'


@pytest.fixture
def served(world: World) -> World:
    """An application with a live release, version 2."""
    assert world.release("1.0")["status"] == Status.LIVE
    return world


def during(world: World, look: int, command: Callable[[], dict[str, Any]]) -> tuple[dict[str, str], dict[str, Any]]:
    """Roll out release 1.1 and give a command at one of its looks; return the end and the answer."""
    answers: list[dict[str, Any]] = []
    world.at_look(look, lambda: answers.append(command()))
    ended = world.release("1.1", GO_ON)
    assert answers, f"the release ended before look {look}: {ended}"
    return ended, answers[0]


def test_status_tells_traffic_release_stage_and_verdict(served: World) -> None:
    _, answer = during(served, 3, lambda: served.command("status"))
    assert [(one["release"], one["share"], one["bundle"]) for one in answer["traffic"]] == [
        ("1.0", 90, "intact"),
        ("1.1", 10, "intact"),
    ]
    assert answer["under_way"][0]["status"] == Status.SHIFTING
    assert "0 of 10 invocations" in answer["answer"]


def test_status_of_an_application_without_a_release_says_so(world: World) -> None:
    assert world.command("status")["answer"] == "100 % no release yet (version 1); no release under way"


def test_history_tells_the_newest_drop_first_and_how_each_ended(served: World) -> None:
    served.release("1.1-broken")
    told = served.command("history")["answer"]
    assert "1.1-broken (version 3) failed" in told[0]
    assert "1.0 (version 2) live" in told[1]


def test_a_rollback_is_one_write_and_brings_back_the_code(served: World) -> None:
    assert served.release("1.1", GO_ON)["status"] == Status.LIVE
    served.calls.clear()
    answer = served.command("rollback", reason="checkout fails for guests")
    assert answer["answer"] == "rolled back from version 3 to version 2"
    assert served.calls.count("UpdateAlias") == 1
    assert served.alias.traffic == ("2", None, 0)
    body = served.lambda_.invoke(FunctionName=served.function, Qualifier="live", Payload=b"{}")["Payload"].read()
    assert b'"release": "1.0"' in body


def test_a_second_rollback_does_not_go_forth_again(served: World) -> None:
    served.release("1.1", GO_ON)
    served.command("rollback")
    answer = served.command("rollback")
    assert "nothing to do" in answer["answer"]
    assert served.alias.traffic == ("2", None, 0)


def test_a_rollback_goes_to_a_release_by_name_by_id_and_by_version(served: World) -> None:
    served.release("1.1", GO_ON)
    served.release("1.2", GO_ON)
    first = served.command("history", limit=3)["releases"][-1]
    for to in ("1.0", first["release_id"], "2"):
        assert served.command("rollback", to=to)["answer"].startswith(("rolled back", "nothing to do"))
        assert served.alias.stable == "2"


@pytest.mark.parametrize("to", ["999", "0", "$LATEST", "\u0663", "1", "nightly"])
def test_a_rollback_to_what_is_no_release_is_refused_and_changes_nothing(served: World, to: str) -> None:
    before = served.alias
    served.calls.clear()
    assert "refused" in served.command("rollback", to=to)["answer"]
    assert served.alias == before
    assert "UpdateAlias" not in served.calls


def test_a_rollback_to_a_release_that_was_rolled_back_needs_force(served: World) -> None:
    served.at_look(1, lambda: served.serve("3", 20, errors=20))
    assert served.release("1.1", GO_ON)["status"] == Status.ROLLED_BACK
    refused = served.command("rollback", to="1.1")
    assert "force" in str(refused["problems"])
    assert served.command("rollback", to="1.1", force=True)["version"] == "3"


def test_a_rollback_to_a_release_whose_bundle_is_gone_is_refused(served: World) -> None:
    served.release("1.1", GO_ON)
    for found in served.s3.list_object_versions(
        Bucket=served.told.bundles_bucket, Prefix=f"bundles/{served.application}/"
    )["Versions"]:
        served.s3.delete_object(Bucket=served.told.bundles_bucket, Key=found["Key"], VersionId=found["VersionId"])
    assert "bundle is gone" in str(served.command("rollback")["problems"])


@pytest.mark.parametrize("action", ["rollback", "promote", "abort", "pause"])
def test_a_dry_run_tells_and_changes_nothing(served: World, action: str) -> None:
    served.at_every_look(served.serve_well)

    def dry() -> dict[str, Any]:
        before = served.alias
        answer = served.command(action, dry_run=True)
        assert served.alias == before
        return answer

    ended, answer = during(served, 2, dry)
    assert answer["answer"].startswith("would ")
    assert ended["status"] == Status.LIVE


@pytest.mark.parametrize(("action", "status"), [("rollback", Status.ROLLED_BACK), ("abort", Status.ABORTED)])
@pytest.mark.parametrize("look", [1, 3, 7])
def test_a_release_under_way_is_ended_by_command(served: World, action: str, status: Status, look: int) -> None:
    ended, _ = during(served, look, lambda: served.command(action, reason="not today"))
    assert ended["status"] == status
    assert ended["reason"] == "not today"
    assert served.alias.traffic == ("2", None, 0)


def test_an_aborted_release_is_not_revived(served: World) -> None:
    drop = served.drop("1.1", CANARY)
    served.at_look(2, lambda: served.command("abort"))
    assert served.roll_out(drop)["status"] == Status.ABORTED
    assert served.roll_out(drop)["status"] == Status.ABORTED
    assert served.alias.traffic == ("2", None, 0)


@pytest.mark.parametrize("before", ["CreateMultipartUpload", "PublishVersion", "Invoke"])
def test_an_abort_before_the_first_traffic_keeps_the_release_from_any(served: World, before: str) -> None:
    served.before_call(before, lambda: served.command("abort", reason="wrong file"))
    ended = served.release("1.1", GO_ON)
    assert (ended["status"], ended["reason"]) == (Status.ABORTED, "wrong file")
    assert served.alias.traffic == ("2", None, 0)


def test_a_promotion_by_hand_goes_to_the_next_stage_and_the_release_bakes_there(served: World) -> None:
    shares: list[int] = []
    served.at_every_look(lambda: shares.append(served.alias.weight))
    ended, answer = during(served, 1, lambda: served.command("promote"))
    assert answer["answer"] == "done: shift 50 % of the traffic to version 3"
    assert ended["status"] == Status.LIVE
    assert (shares.count(10), shares.count(50)) == (1, 5)


@pytest.mark.parametrize(("look", "full"), [(1, True), (7, False)])
def test_a_promotion_by_hand_can_be_the_last_word(served: World, look: int, full: bool) -> None:  # noqa: FBT001 - drawn
    ended, answer = during(served, look, lambda: served.command("promote", full=full))
    assert answer["answer"] == "done: promote version 3"
    assert (ended["status"], ended["reason"]) == (Status.LIVE, "promoted by command")
    assert served.alias.traffic == ("3", None, 0)
    assert served.alias.previous == "2"


def test_a_paused_release_stays_until_it_is_resumed(served: World) -> None:
    served.at_every_look(served.serve_well)
    served.at_look(2, lambda: served.command("pause"))
    served.at_look(9, lambda: served.command("resume"))
    shares: list[int] = []
    served.at_every_look(lambda: shares.append(served.alias.weight))
    assert served.release("1.1", CANARY)["status"] == Status.LIVE
    assert shares[:9] == [10] * 9


@pytest.mark.parametrize("action", ["promote", "abort", "pause", "resume"])
def test_a_command_without_a_release_under_way_has_nothing_to_do(served: World, action: str) -> None:
    assert "nothing to do" in served.command(action)["answer"]
    assert served.alias.traffic == ("2", None, 0)


@pytest.mark.parametrize("action", ["rollback", "promote", "abort", "pause"])
def test_a_command_that_means_another_release_is_refused(served: World, action: str) -> None:
    _, answer = during(served, 2, lambda: served.command(action, release="1.0.9"))
    assert "the world moved on" in str(answer["problems"])


@pytest.mark.parametrize("action", ["rollback", "promote", "abort", "pause"])
def test_what_others_moved_is_left_to_them(served: World, action: str) -> None:
    def by_hand() -> dict[str, Any]:
        served.lambda_.update_alias(
            FunctionName=served.function, Name="live", RoutingConfig={"AdditionalVersionWeights": {"3": 0.3}}
        )
        return served.command(action)

    ended, answer = during(served, 2, by_hand)
    assert "refused" in answer["answer"]
    assert ended["status"] == Status.OVERTAKEN
    assert served.alias.traffic == ("2", "3", 30)
