"""Answers of commands, whole. A refusal: where, what was found, what is allowed, and the way out."""

from typing import Any

from deployer.commands.application import Application
from deployer.commands.old_records import forget
from deployer.commands.read_state import read_state
from deployer.model.status import Status
from tests.faults.account import BUNDLES
from tests.workflow.test_commands import UNDER_WAY, during
from tests.workflow.world import CANARY, GO_ON, NOW, World, refusal

AGAIN = "run status and send the command again"


def hidden(world: World) -> None:
    """Take the key of the application's environment from the deployer."""
    world.account.lambda_.functions[world.function].hidden = True


def without_records(world: World) -> None:
    """Delete every record, as a rule of a bucket's owner may."""
    objects = world.account.s3.buckets[BUNDLES].objects
    for key in [key for key in objects if key.startswith("records/")]:
        del objects[key]


def test_a_redeploy_of_what_is_rolled_out_otherwise_says_how(served: World) -> None:
    served.release("1.1", NOW)
    allowed, remedy = "a release that has ended", "abort it, then redeploy"
    served.command("redeploy", release="1.0")
    found = '1.0, which is being rolled out again without "force"'
    assert refusal(served.command("redeploy", release="1.0", force=True)) == ("release", found, allowed, remedy)


def test_a_redeploy_of_what_is_rolled_out_by_force_says_so(served: World) -> None:
    served.release("1.1", NOW)
    served.command("redeploy", release="1.0", force=True)
    assert refusal(served.command("redeploy", release="1.0"))[1] == '1.0, which is being rolled out again with "force"'


def test_a_redeploy_of_bytes_whose_rollback_has_no_reason_of_a_command(served: World) -> None:
    served.fail_at_look(1)
    assert served.release("1.1", GO_ON)["status"] == Status.ROLLED_BACK
    found = "1.1 (version 3), whose archive was rolled back"
    refused = ("release", found, "an archive that was not rolled back", 'add "force": true')
    assert refusal(served.command("redeploy", release="1.1")) == refused


def test_a_command_that_means_another_release_names_the_present_one(served: World) -> None:
    answers: list[dict[str, Any]] = []
    served.at_look(1, lambda: answers.extend(served.command(one, release="0.9") for one in UNDER_WAY))
    assert served.release("1.1", GO_ON)["status"] == Status.LIVE
    assert [refusal(one) for one in answers] == [("release", "1.1 (version 3)", '"0.9"', AGAIN)] * len(UNDER_WAY)


def test_a_rollback_of_a_release_where_there_is_none_says_that(world: World) -> None:
    found = "no release yet (version 1)"
    assert refusal(world.command("rollback", release="0.9")) == ("release", found, '"0.9"', AGAIN)


def test_a_rollback_to_a_version_that_cannot_be_read_needs_force(served: World) -> None:
    served.release("1.1", NOW)
    hidden(served)
    where, found, allowed, remedy = refusal(served.command("rollback"))
    assert (where, allowed) == ("to", "a version whose bundle exists")
    assert found.startswith("1.0 (version 2), whose environment cannot be read: ")
    assert "unable to decrypt" in found
    assert remedy.endswith('add "force": true to go back without looking for the bundle')
    assert served.command("rollback", force=True)["version"] == "2"


def test_a_promotion_without_the_record_of_its_plan_goes_to_all_traffic_or_nowhere(served: World) -> None:
    def promoted() -> dict[str, Any]:
        without_records(served)
        refused = served.command("promote")
        found = "none: the release's record was deleted"
        assert refusal(refused) == (
            "stages",
            found,
            "a release whose record has its plan",
            'send "full": true, or wait',
        )
        return served.command("promote", full=True)

    _, answer = during(served, 1, promoted)
    assert answer["answer"] == "done: promote 1.1 (version 3)"


def test_a_version_without_a_bundle_is_not_offered_for_a_rollback(served: World) -> None:
    """Somebody publishes by hand what lost its pointer, and gives it the description of a release."""
    function = served.function
    description = served.lambda_.get_function_configuration(FunctionName=function, Qualifier="2")["Description"]
    served.lambda_.update_function_configuration(FunctionName=function, Environment={"Variables": {}})
    version = served.lambda_.publish_version(FunctionName=function, Description=description)["Version"]
    app = Application(served.deployer, served.application)
    recorded = served.alias.promote("f" * 32, version).promote("e" * 32, "2")
    served.deployer.write_alias(served.application, served.alias, recorded)
    assert app.alias().previous == version
    assert read_state(app).previous is None
    assert refusal(served.command("rollback"))[1].startswith(f"version {version}, which is not a release")


def test_no_record_is_forgotten_without_the_rule(served: World) -> None:
    assert served.settings.keep_records_days == 0
    assert forget(Application(served.deployer, served.application), 5) == 0


# --- dry runs, and what there is nothing to do about -----------------------------------------------------------------

DRY: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("rollback", {}, "would roll back: version 3 loses its 10 % of the traffic"),
    ("abort", {}, "would abort: version 3 loses its 10 % of the traffic"),
    ("promote", {}, "would shift 50 % of the traffic to 1.1 (version 3)"),
    ("promote", {"full": True}, "would promote 1.1 (version 3)"),
    ("pause", {}, "would pause at 10 %"),
    ("resume", {}, "nothing to do: it is not paused"),
    ("redeploy", {"release": "1.1"}, "would roll out 1.1 again"),
    ("prune", {}, "would delete no version and 0.0 MB of bundles, keep 2"),
)


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(served: World) -> None:
    answered: list[str] = []

    def ask() -> None:
        served.calls.clear()
        answered.extend(served.command(action, dry_run=True, **fields)["answer"] for action, fields, _ in DRY)
        assert not {"UpdateAlias", "PutObject", "DeleteObject", "Invoke"} & set(served.calls)

    served.at_look(1, ask)
    assert served.release("1.1", GO_ON)["status"] == Status.LIVE
    assert answered == [answer for *_, answer in DRY]
    assert served.command("rollback", dry_run=True) == {
        "answer": "would roll back from 1.1 (version 3) to 1.0 (version 2)"
    }
    drop = served.command("redeploy", release="1.0", dry_run=True)
    assert drop == {"answer": "would roll out 1.0 again", "id": served.command("redeploy", release="1.0")["id"]}
    assert served.alias.traffic == ("3", None, 0)


def test_there_is_nothing_to_do_for_a_reason(served: World) -> None:
    idle = "nothing to do: no release is taking traffic in stages"
    assert [served.command(action)["answer"] for action in ("promote", "pause", "resume")] == [idle] * 3
    assert served.command("abort")["answer"] == "nothing to do: no release is under way"
    assert served.command("rollback", to="1.0")["answer"] == "nothing to do: 1.0 (version 2) has all traffic"


def test_a_rollback_before_any_release_asks_for_a_name(world: World) -> None:
    why = 'nothing to do: there is no earlier release to go back to; name one in "to"'
    assert world.command("rollback")["answer"] == why


def test_what_there_was_nothing_to_do_about_is_not_recorded(served: World) -> None:
    _, answer = during(served, 1, lambda: served.command("resume"))
    assert answer["answer"] == "nothing to do: it is not paused"
    [newest] = served.command("history", limit=1)["releases"]
    assert "by command" not in str(newest["timeline"])


def test_a_pause_that_is_sent_twice_is_recorded_once_with_its_reason(served: World) -> None:
    def paused() -> dict[str, Any]:
        assert served.command("pause", reason="lunch")["answer"] == "done: pause at 10 %"
        return served.command("pause", reason="lunch") | {"end": served.command("abort")["answer"]}

    _, answer = during(served, 1, paused)
    assert answer == {"answer": "nothing to do: it is paused", "end": "all traffic is on 1.0 (version 2) again"}
    [newest] = served.command("history", limit=1)["releases"]
    assert [one["what"] for one in newest["timeline"]].count("by command: pause at 10 % (lunch)") == 1


# --- what others did -------------------------------------------------------------------------------------------------


def test_a_share_that_others_gave_is_refused_with_what_it_is(served: World) -> None:
    answers: list[dict[str, Any]] = []

    def by_hand() -> None:
        served.split("3", 30)
        answers.extend(served.command(action) for action in UNDER_WAY)

    served.at_look(1, by_hand)
    assert served.release("1.1", GO_ON)["status"] == Status.OVERTAKEN
    remedy = "move the alias by hand"
    ended = ("alias", "version 3 with 30 %, shifted by others", "a release that the deployer is shifting", remedy)
    moved = ("alias", "moved by others", "as the deployer left it", remedy)
    assert [refusal(one) for one in answers] == [ended, moved, ended, moved, moved]
    assert served.alias.traffic == ("2", "3", 30)


def test_a_share_of_what_is_no_release_is_not_promoted(served: World) -> None:
    served.split("1", 30)
    refused = ("alias", "version 1", "a release's version", "it was shifted by others")
    assert refusal(served.command("promote")) == refused


def test_a_command_that_comes_second_is_refused(served: World) -> None:
    served.release("1.1", NOW)
    served.before_call("UpdateAlias", lambda: served.split("2", 30))
    refused = ("alias", "moved by others at this moment", "unchanged", AGAIN)
    assert refusal(served.command("rollback")) == refused
    assert served.alias.traffic == ("3", "2", 30)


# --- what AWS refuses after the move ---------------------------------------------------------------------------------


def test_what_could_not_be_written_after_a_move_is_a_warning(served: World) -> None:
    served.release("1.1", NOW)
    served.denied.add("PutObject")
    answer = served.command("rollback")
    assert answer["answer"] == "rolled back from 1.1 (version 3) to 1.0 (version 2)"
    reason = "AWS refused PutObject: AccessDenied: not today"
    said = f"the traffic was moved, but not everything after it was done: {reason}; send the command again"
    assert answer["warning"] == [said]


def test_an_abort_before_any_traffic_says_so_and_is_an_ending(served: World) -> None:
    drop = served.drop("1.1", CANARY)
    served.deployer.begin_record(drop)
    assert served.command("abort", dry_run=True)["answer"] == "would abort 1.1"
    assert served.command("abort", release="0.9")["answer"] == "nothing to do: no release is under way"
    assert served.command("abort", release="1.1") == {"answer": "aborted 1.1 before it had any traffic"}
    assert [one.what for one in served.record(drop).timeline][1:] == ["abort", "aborted: abort by command"]


# --- a rollback to an earlier release --------------------------------------------------------------------------------


def test_a_rollback_to_a_release_that_ended_badly_says_how_it_ended(served: World) -> None:
    served.fail_at_look(1)
    assert served.release("1.1", GO_ON)["status"] == Status.ROLLED_BACK
    where, found, allowed, remedy = refusal(served.command("rollback", to="1.1"))
    assert (where, allowed) == ("to", "a release that was not rolled back, aborted or failed")
    assert found.startswith("1.1 (version 3) rolled-back: 20 of 20 invocations failed")
    assert remedy == 'add "force": true to use it anyway'
    assert served.command("rollback", to="1.1", force=True)["version"] == "3"


def test_a_rollback_to_what_a_command_rolled_back_needs_force_and_is_live_again(served: World) -> None:
    served.release("1.1", NOW)
    served.command("rollback", reason="misclassifies")
    assert "rolled back by command" in refusal(served.command("rollback", to="1.1"))[1]
    assert served.command("rollback", to="1.1", force=True)["answer"].startswith("rolled back from 1.0")
    record = next(one for one in served.command("history")["releases"] if one["release"] == "1.1")
    assert "rolled_back" not in record
    assert record["timeline"][-1]["what"] == "has all traffic again, by command"


def test_a_rollback_of_a_release_without_a_record_writes_one(served: World) -> None:
    served.release("1.1", NOW)
    without_records(served)
    served.command("rollback", reason="misclassifies")
    [record] = [one for one in served.command("history")["releases"] if one["release"] == "1.1"]
    words = "roll back from 1.1 (version 3) to 1.0 (version 2) (misclassifies)"
    restored = "there was no record; this one is from the version's description"
    assert [one["what"] for one in record["timeline"]] == [restored, "live: version 3 was live", words]
    assert (record["status"], record["rolled_back"]["reason"]) == (Status.LIVE, "misclassifies")


# --- maintenance -----------------------------------------------------------------------------------------------------


def test_a_redeploy_is_in_the_record_with_its_reason(served: World) -> None:
    served.release("1.1", NOW)
    assert refusal(served.command("redeploy", release="0.9")) == (
        "release",
        '"0.9"',
        "a release name or release id",
        "see history",
    )
    answer = served.command("redeploy", release="1.0", reason="the old one was better")
    record = served.deployer.aws.records.read(served.application, answer["id"])
    assert record
    assert record.timeline[0].what == "received: redeploy by command (the old one was better)"


def test_prune_refuses_versions_that_it_cannot_read(served: World) -> None:
    hidden(served)
    where, found, allowed, remedy = refusal(served.command("prune", keep=1))
    assert (where, allowed) == ("the function", "versions whose environment the deployer may read")
    assert found.startswith("versions whose bundles cannot be read (")
    assert "unable to decrypt" in found
    assert remedy == "see KmsKeyArn in the application's stack"
