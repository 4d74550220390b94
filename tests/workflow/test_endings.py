"""Every way a release can end, and how the alias stands afterwards."""

import pytest

from bootstrap import index
from deployer.model.status import Status
from deployer.rollout.steps import bundling
from tests.workflow.world import CANARY, GO_ON, NOW, World

FILES = {"lambda_function.py": "def lambda_handler(event, context):\n    return {}\n"}


def test_the_first_release_goes_live_at_once_after_its_smoke_test(world: World) -> None:
    drop = world.drop("1.0", CANARY)
    ended = world.roll_out(drop)
    assert ended["status"] == Status.LIVE
    assert world.alias.traffic == ("2", None, 0)
    assert [moment.what.split(":")[0] for moment in world.record(drop).timeline][-3:] == [
        "plan",
        "promote version 2",
        "live",
    ]


def test_a_release_that_fails_calls_is_rolled_back_and_its_bytes_are_remembered(served: World) -> None:
    served.fail_at_look(2)
    ended = served.release("1.1", CANARY, files=FILES)
    assert ended["status"] == Status.ROLLED_BACK
    assert "20 of 20 invocations failed" in ended["reason"]
    assert served.alias.traffic == ("2", None, 0)
    again = served.release("1.1-again", CANARY, files=FILES)
    assert again["status"] == Status.REJECTED
    assert "rolled back" in again["reason"]
    assert served.release("1.1-forced", GO_ON, files=FILES, force=True)["status"] == Status.LIVE


def test_a_release_that_cannot_start_fails_its_smoke_test_and_never_has_traffic(served: World) -> None:
    drop = served.drop("1.1-broken", CANARY)
    ended = served.roll_out(drop)
    assert ended["status"] == Status.FAILED
    assert "No module named 'numpy'" in ended["reason"]
    assert served.alias.traffic == ("2", None, 0)
    assert served.calls.count("UpdateAlias") == 1  # the first release's promotion


def test_a_handler_that_does_not_know_the_default_event_is_no_reason_to_fail(world: World) -> None:
    assert world.release("1.0-raising")["status"] == Status.LIVE


def test_a_smoke_test_of_the_manifest_must_be_answered_as_expected(world: World) -> None:
    smoke = '[smoke]\nevent = { path = "/health" }\nexpect = { event = { path = "/health" } }\n'
    assert world.release("1.0", smoke)["status"] == Status.LIVE
    assert world.alias.stable == "2"
    ended = world.release("1.1", smoke.replace('"/health" } }', '"/ready" } }'))
    assert ended["status"] == Status.FAILED
    assert "response.event.path is a text of 7 characters, expected a text of 6 characters" in ended["reason"]
    assert world.release("1.2-raising", smoke)["status"] == Status.FAILED


def test_too_little_traffic_is_held_then_promoted_when_traffic_comes(served: World) -> None:
    served.at_look(14, served.serve_well)  # after a bake of ten looks
    served.at_look(28, served.serve_well)
    assert served.release("1.1", CANARY)["status"] == Status.LIVE


def test_too_little_traffic_ends_as_the_manifest_says(served: World) -> None:
    assert served.release("1.1", GO_ON)["status"] == Status.LIVE
    ended = served.release("1.2", f'{CANARY}inconclusive = "roll-back"')
    assert ended["status"] == Status.ROLLED_BACK
    assert "0 of 10 invocations" in ended["reason"]


def test_a_release_held_for_days_is_rolled_back(served: World) -> None:
    ended = served.release("1.1", CANARY)
    assert ended["status"] == Status.ROLLED_BACK
    assert "held too long" in ended["reason"]


def test_an_archive_that_is_none_is_rejected_and_changes_nothing(served: World) -> None:
    before = (served.alias, served.versions)
    served.calls.clear()
    ended = served.release("1.1", body=b"PK\x03\x04 this is no archive")
    assert ended["status"] == Status.REJECTED
    assert (served.alias, served.versions) == before
    assert not {"UpdateAlias", "UpdateFunctionConfiguration", "PublishVersion"} & set(served.calls)


def test_three_mistakes_in_a_manifest_are_all_recorded(world: World) -> None:
    drop = world.drop("1.0", '[applicaton]\n[rollout]\nbake = "5x"\n[resources]\nmemory = 1\n')
    assert world.roll_out(drop)["status"] == Status.REJECTED
    assert len(world.record(drop).problems) == 3


@pytest.mark.parametrize("later", [0, 1], ids=["the same bootstrap", "a later one"])
def test_a_bundle_of_the_same_bytes_is_made_anew_only_for_a_bootstrap_that_does_not_read_it(
    world: World, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    assert world.release("1.0", NOW, files=FILES)["status"] == Status.LIVE
    world.calls.clear()
    monkeypatch.setattr(bundling, "SCHEMA", index.SCHEMA + later)
    assert world.release("1.1", NOW, files=FILES)["status"] == Status.LIVE
    assert ("CreateMultipartUpload" in world.calls) == bool(later)


def test_the_functions_own_environment_is_kept(served: World) -> None:
    assert served.configuration()["Environment"]["Variables"]["OWN"] == "setting"


def test_the_manifest_sets_memory_timeout_and_storage(world: World) -> None:
    world.release("1.0", "[resources]\nmemory = 2048\ntimeout = 30\nephemeral-storage = 1024")
    found = world.configuration()
    assert (found["MemorySize"], found["Timeout"], found["EphemeralStorage"]["Size"]) == (2048, 30, 1024)


def test_a_release_that_asks_for_nothing_gets_what_the_stack_gave(world: World) -> None:
    world.release("1.0", "[resources]\nmemory = 2048\ntimeout = 30")
    world.release("1.1", NOW)
    found = world.configuration()
    assert (found["MemorySize"], found["Timeout"]) == (1024, 10)
    world.configure(MemorySize=1536)
    world.release("1.2", NOW)
    found = world.configuration()
    assert (found["MemorySize"], found["Timeout"]) == (1536, 10)


def test_a_release_that_cannot_be_measured_gets_no_more_traffic(served: World) -> None:
    served.denied.add("GetMetricData")
    served.at_look(14, lambda: served.command("abort"))
    assert served.release("1.1", GO_ON)["status"] == Status.ABORTED
