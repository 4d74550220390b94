"""`status` and `history` show every event of an application until a newer one comes."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from deployer import events
from deployer.model.overview import IgnoredDrop
from deployer.model.status import Status
from tests.workflow.world import NOW, World


def lines(world: World) -> str:
    return "\n".join(world.command("status")["answer"])


def test_a_rollback_by_command_is_in_status_history_and_record_with_its_reason(served: World) -> None:
    served.release("1.1", NOW)
    served.command("rollback", reason="misclassifies")
    assert "1.0 is live again since" in lines(served)
    assert "1.1 was rolled back by command: misclassifies" in lines(served)
    newest = served.command("history", limit=1)
    assert newest["answer"][0].endswith("misclassifies")
    assert newest["releases"][0]["rolled_back"]["reason"] == "misclassifies"
    assert newest["releases"][0]["status"] == Status.LIVE
    served.command("rollback", to="1.1", force=True)
    assert "rolled back by command" not in lines(served).replace("1.0 was rolled back by command", "")


def test_a_rejected_drop_shows_until_a_newer_one(served: World) -> None:
    served.release("1.1", files={"other.py": ""})
    assert "1.1, dropped" in lines(served)
    assert "ended rejected" in lines(served)
    assert "lambda_function" in lines(served)
    assert "to do:" in lines(served)
    served.release("1.2", NOW)
    assert "1.1" not in lines(served)


@pytest.mark.parametrize("key", ["{}/v9.whl", "helo/v9.zip", "v9.zip"])
def test_an_ignored_drop_shows_with_its_key(served: World, key: str) -> None:
    dropped = key.format(served.application)
    record: dict[str, Any] = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": served.settings.releases_bucket}, "object": {"key": dropped, "versionId": "v"}},
    }
    answer: dict[str, Any] = served.tell(events.parse({"Records": [record]}, served.settings, {served.application}))
    assert json.dumps(answer["ignored"]).count(dropped) == 1
    everything = served.tell(events.parse({"action": "status"}, served.settings, {served.application}))
    assert f"ago: {dropped}: " in "\n".join(everything["answer"])
    assert (f"ago: {dropped}: " in lines(served)) is dropped.startswith(served.application)


def test_the_traffic_is_shown_with_the_release_that_serves_it(world: World) -> None:
    status = world.command("status")
    assert status["answer"] == [
        "100 %  no release yet (version 1)",
        "no release under way",
        "nothing to roll back to yet",
    ]
    [before] = status["traffic"]
    assert before == {"version": "1", "share": 100, "release": "no release yet", "bundle": "none"}
    drop = world.drop("1.0")
    world.roll_out(drop)
    [after] = world.command("status")["traffic"]
    assert (after["version"], after["release"], after["release_id"]) == ("2", "1.0", drop.release_id)
    assert after["dropped"]


def test_an_ignored_drop_shows_although_an_earlier_release_has_moved_on_since(served: World) -> None:
    drop = served.drop("1.1")
    served.deployer.begin_record(drop)
    served.account.pass_time(served.account.now + timedelta(seconds=1))
    ignored = IgnoredDrop(at=served.account.now, key="orders/v9.whl", reason="no release")
    served.deployer.aws.records.change_overview(served.application, lambda one: one.with_ignored(ignored))
    served.account.pass_time(served.account.now + timedelta(seconds=1))
    served.deployer.change_record(served.record(drop), lambda one: one.with_entry(served.account.now, "inspected"))
    assert "ignored 1 s ago: no release" in lines(served)
    assert everything(served)[-1] == "ignored … ago: no release"
    served.deployer.begin_record(served.drop("1.2"))
    assert "ignored" not in lines(served)
    assert "ignored" not in str(everything(served))


def test_the_status_of_everything_shows_a_failed_drop_only_while_it_is_the_newest(served: World) -> None:
    broken, again = served.drop("1.1-broken"), served.drop("1.2")
    served.roll_out(broken)
    served.account.pass_time(served.account.now + timedelta(seconds=1))
    served.deployer.begin_record(again)
    served.deployer.aws.records.change_overview(
        served.application, lambda one: one.model_copy(update={"newest": broken.release_id})
    )
    assert [line.split()[0] for line in everything(served)] == ["1.0", "1.2"]


def test_status_of_an_application_takes_at_most_ten_calls_however_many_releases_it_has_had(served: World) -> None:
    for number in range(1, 6):
        served.release(f"1.{number}", NOW)
    served.calls.clear()
    served.command("status")
    assert len(served.calls) <= 10, served.calls
    assert "ListObjectsV2" not in served.calls


def test_a_first_release_offers_no_rollback_and_says_what_to_do_instead(world: World) -> None:
    world.release("1.0")
    assert "nothing to roll back to yet" in lines(world)
    refused = world.command("rollback")
    assert "promote" in refused["problems"][0]["remedy"]


def test_redeploy_refuses_at_once_and_never_swallows_force(served: World) -> None:
    served.release("1.1", NOW)
    served.command("rollback", reason="misclassifies")
    refused = served.command("redeploy", release="1.1")
    assert refused["problems"][0]["found"] == "1.1 (version 3), whose archive was rolled back (misclassifies)"
    assert served.command("redeploy", release="1.1", force=True)["answer"] == "rolling out 1.1 again"
    assert served.command("redeploy", release="1.0")["answer"].startswith("nothing to do")


def test_the_newest_drop_comes_first_whatever_was_written_last(served: World) -> None:
    served.release("1.1", NOW)
    first = served.command("history", limit=2)["releases"][-1]
    record = served.deployer.aws.records.read(served.application, first["release_id"])
    assert record
    served.deployer.change_record(record, lambda one: one.with_entry(served.deployer.now(), "touched"))
    assert served.command("history", limit=1)["releases"][0]["release"] == "1.1"


def test_prune_keeps_what_went_live_before_what_failed(served: World) -> None:
    served.release("1.1", NOW)
    served.release("1.2-broken")
    served.release("1.3-broken")
    deleted = served.command("prune", keep=1, dry_run=True)
    assert "1.2-broken" in deleted["answer"]
    assert "1.1" not in deleted["answer"]


def test_a_failed_smoke_test_names_the_error_and_keeps_the_stack_trace(served: World) -> None:
    served.release("1.1-raising", '[smoke]\nevent = { path = "/" }\n')
    [newest] = served.command("history", limit=1)["releases"]
    assert re.search(r"ValueError: no such event at \S*bootstrap\.py:\d+ in handler", newest["reason"])
    assert "in handler" in newest["traceback"][-1]


def everything(world: World) -> list[str]:
    """The lines of the status of all applications."""
    found: list[str] = world.tell(events.parse({"action": "status"}, world.settings, {world.application}))["answer"]
    return [re.sub(r"\d+ (s|m) ago", "… ago", line.removeprefix(f"{world.application}: ")) for line in found]


def test_the_status_of_everything_shows_an_application_without_a_drop(world: World) -> None:
    world.deployer.aws.records.change_overview(world.application, lambda one: one)
    world.deployer.aws.records.change_overview(world.application, lambda one: one.begun("a" * 32))
    assert everything(world) == ["no release yet"]


def test_the_status_of_everything_shows_a_drop_that_failed_until_a_newer_one(served: World) -> None:
    assert everything(served) == ["1.0 (version 2) is live, dropped … ago"]
    served.release("1.1-broken")
    shown = everything(served)
    assert shown[0] == "1.0 (version 2) is live, dropped … ago"
    assert shown[1].startswith("1.1-broken, dropped … ago, ended failed: ")
    assert len(shown) == 2
    served.release("1.2", NOW)
    assert everything(served) == ["1.2 (version 4) is live, dropped … ago"]


def test_the_status_of_everything_shows_releases_under_way_the_newest_first(served: World) -> None:
    waiting = [served.drop(f"1.{number}") for number in range(1, 8)]
    for drop in waiting:
        served.deployer.begin_record(drop)
        served.account.pass_time(served.account.now + timedelta(seconds=61))
    shown = everything(served)
    assert [line.split()[0] for line in shown] == ["1.0", "1.7", "1.6", "1.5", "1.4", "1.3"]
    assert shown[1] == "1.7 is received, … ago"
    assert "2 more drops wait; all but the newest will end superseded" in served.command("status")["answer"]


def test_the_record_and_history_have_the_seconds_of_every_step(served: World) -> None:
    def slow(operation: str, seconds: int) -> None:
        taken = timedelta(seconds=seconds)
        served.before_call(operation, lambda: served.account.pass_time(served.account.now + taken))

    slow("CreateMultipartUpload", 3)
    slow("Invoke", 2)
    drop = served.drop("1.1", NOW)
    assert served.roll_out(drop)["status"] == Status.LIVE
    seconds = served.record(drop).seconds
    steps = ("inspect", "make_bundle", "publish", "check_active", "smoke_start", "smoke_test", "promote")
    assert seconds.keys() >= {*steps}
    assert (seconds["make_bundle"] // 1, seconds["smoke_start"] // 1, seconds["smoke_test"] // 1) == (3, 2, 2)
    assert seconds["smoke_start"] < seconds["smoke_test"], "the part of it that AWS took"
    answer = served.command("history", limit=1)
    assert "make bundle 3." in answer["answer"][0]
    assert "smoke start 2." in answer["answer"][0]
    assert answer["releases"][0]["seconds"] == seconds
