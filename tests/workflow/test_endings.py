"""Every way a release can end, and how the alias stands afterwards."""

import pytest

from bootstrap import index
from deployer.model.status import Status
from deployer.rollout.steps import bundling
from tests.workflow.world import World

CANARY = '[rollout]\nstages = [{ weight = 10, bake = "5m" }, { weight = 50, bake = "5m" }]\n'

FILES = {"lambda_function.py": "def lambda_handler(event, context):\n    return {}\n"}


def live(world: World, name: str = "1.0") -> str:
    """Make a first release live; return its version."""
    assert world.release(name)["status"] == Status.LIVE
    return world.alias.stable


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


def test_a_healthy_release_goes_through_its_stages_and_is_promoted(world: World) -> None:
    live(world)
    world.at_every_look(world.serve_well)
    drop = world.drop("1.1", CANARY)
    assert world.roll_out(drop)["status"] == Status.LIVE
    assert world.alias.traffic == ("3", None, 0)
    assert world.alias.previous == "2"
    told = [moment.what for moment in world.record(drop).timeline]
    assert "shift 10 % of the traffic to version 3" in told
    assert "shift 50 % of the traffic to version 3" in told


def test_a_release_that_fails_calls_is_rolled_back_and_its_bytes_are_remembered(world: World) -> None:
    live(world)
    world.at_look(2, lambda: world.serve("3", 20, errors=20))
    ended = world.release("1.1", CANARY, files=FILES)
    assert ended["status"] == Status.ROLLED_BACK
    assert "20 of 20 invocations failed" in ended["reason"]
    assert world.alias.traffic == ("2", None, 0)
    again = world.release("1.1-again", CANARY, files=FILES)
    assert again["status"] == Status.REJECTED
    assert "rolled back" in again["reason"]


def test_bytes_that_were_rolled_back_are_released_again_by_force(world: World) -> None:
    live(world)
    world.at_look(1, lambda: world.serve("3", 20, errors=20))
    plan = f'{CANARY}inconclusive = "promote"'
    assert world.release("1.1", plan, files=FILES)["status"] == Status.ROLLED_BACK
    drop = world.drop("1.1-forced", plan, files=FILES, force=True)
    assert world.roll_out(drop)["status"] == Status.LIVE


def test_a_release_that_cannot_start_fails_its_smoke_test_and_never_has_traffic(world: World) -> None:
    live(world)
    drop = world.drop("1.1-broken", CANARY)
    ended = world.roll_out(drop)
    assert ended["status"] == Status.FAILED
    assert "No module named 'numpy'" in ended["reason"]
    assert world.alias.traffic == ("2", None, 0)
    assert world.calls.count("UpdateAlias") == 1  # the first release's promotion


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


def test_too_little_traffic_is_held_then_promoted_when_traffic_comes(world: World) -> None:
    live(world)
    world.at_look(14, world.serve_well)  # after a bake of ten looks
    world.at_look(28, world.serve_well)
    assert world.release("1.1", CANARY)["status"] == Status.LIVE


def test_too_little_traffic_ends_as_the_manifest_says(world: World) -> None:
    live(world)
    assert world.release("1.1", f'{CANARY}inconclusive = "promote"')["status"] == Status.LIVE
    ended = world.release("1.2", f'{CANARY}inconclusive = "roll-back"')
    assert ended["status"] == Status.ROLLED_BACK
    assert "0 of 10 invocations" in ended["reason"]


def test_a_release_held_for_days_is_rolled_back(world: World) -> None:
    live(world)
    ended = world.release("1.1", CANARY)
    assert ended["status"] == Status.ROLLED_BACK
    assert "held too long" in ended["reason"]


def test_an_archive_that_is_none_is_rejected_and_changes_nothing(world: World) -> None:
    live(world)
    before = (world.alias, world.versions)
    world.calls.clear()
    ended = world.release("1.1", body=b"PK\x03\x04 this is no archive")
    assert ended["status"] == Status.REJECTED
    assert (world.alias, world.versions) == before
    assert not {"UpdateAlias", "UpdateFunctionConfiguration", "PublishVersion"} & set(world.calls)


def test_a_missing_handler_is_rejected_with_what_to_change(world: World) -> None:
    ended = world.release("1.0", files={"main.py": ""})
    assert ended["status"] == Status.REJECTED
    assert "lambda_function" in ended["reason"]


def test_three_mistakes_in_a_manifest_are_all_told(world: World) -> None:
    drop = world.drop("1.0", '[applicaton]\n[rollout]\nbake = "5x"\n[resources]\nmemory = 1\n')
    assert world.roll_out(drop)["status"] == Status.REJECTED
    assert len(world.record(drop).problems) == 3


def test_the_same_bytes_under_the_same_name_are_a_duplicate_of_the_live_release(world: World) -> None:
    live(world)
    versions = world.versions
    assert world.release("1.0")["status"] == Status.DUPLICATE
    assert world.versions == versions


def test_the_same_bytes_under_a_new_name_are_a_new_release_of_the_same_bundle(world: World) -> None:
    now = '[rollout]\nstrategy = "all-at-once"\n'
    assert world.release("1.0", now, files=FILES)["status"] == Status.LIVE
    world.calls.clear()
    assert world.release("1.1", now, files=FILES)["status"] == Status.LIVE
    assert "CreateMultipartUpload" not in world.calls


def test_a_bundle_that_a_later_bootstrap_does_not_read_is_made_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = '[rollout]\nstrategy = "all-at-once"\n'
    assert world.release("1.0", now, files=FILES)["status"] == Status.LIVE
    world.calls.clear()
    monkeypatch.setattr(bundling, "SCHEMA", index.SCHEMA + 1)
    assert world.release("1.1", now, files=FILES)["status"] == Status.LIVE
    assert "CreateMultipartUpload" in world.calls


def test_an_ended_release_is_not_revived_by_a_late_duplicate(world: World) -> None:
    live(world)
    world.at_look(1, lambda: world.serve("3", 20, errors=20))
    drop = world.drop("1.1", CANARY)
    first = world.roll_out(drop)
    record = world.record(drop)
    assert world.roll_out(drop) == first
    assert world.record(drop) == record
    assert world.alias.traffic == ("2", None, 0)


def test_an_older_drop_that_comes_late_is_superseded(world: World) -> None:
    older = world.drop("nightly")
    newer = world.drop("nightly", files=FILES)
    assert world.roll_out(newer)["status"] == Status.LIVE
    ended = world.roll_out(older)
    assert ended["status"] == Status.SUPERSEDED
    assert world.alias.stable == world.record(newer).version


def test_a_newer_drop_takes_the_share_of_the_one_under_way(world: World) -> None:
    live(world)
    newer: list[str] = []

    def drop_a_fix() -> None:
        if not newer:
            newer.append("dropped")
            newer.append(world.release("nightly", CANARY)["status"])

    world.at_look(2, drop_a_fix)
    world.at_every_look(world.serve_well)
    older = world.drop("nightly", CANARY, files=FILES)
    assert world.roll_out(older)["status"] == Status.SUPERSEDED
    assert newer[-1] == Status.LIVE
    assert world.alias.canary is None


def test_a_move_by_a_person_is_reported_and_left_as_it_is(world: World) -> None:
    live(world)

    def by_hand() -> None:
        world.lambda_.update_alias(
            FunctionName=world.function, Name="live", RoutingConfig={"AdditionalVersionWeights": {"3": 0.3}}
        )

    world.at_look(3, by_hand)
    ended = world.release("1.1", CANARY)
    assert ended["status"] == Status.OVERTAKEN
    assert world.alias.traffic == ("2", "3", 30)


def test_the_functions_own_environment_is_kept(world: World) -> None:
    live(world)
    found = world.lambda_.get_function_configuration(FunctionName=world.function, Qualifier="live")
    assert found["Environment"]["Variables"]["OWN"] == "setting"


def test_the_manifest_sets_memory_timeout_and_storage(world: World) -> None:
    world.release("1.0", "[resources]\nmemory = 2048\ntimeout = 30\nephemeral-storage = 1024")
    found = world.lambda_.get_function_configuration(FunctionName=world.function, Qualifier="live")
    assert (found["MemorySize"], found["Timeout"], found["EphemeralStorage"]["Size"]) == (2048, 30, 1024)


def test_a_release_that_asks_for_nothing_gets_what_the_stack_gave(world: World) -> None:
    now = '[rollout]\nstrategy = "all-at-once"\n'
    world.release("1.0", "[resources]\nmemory = 2048\ntimeout = 30")
    world.release("1.1", now)
    found = world.lambda_.get_function_configuration(FunctionName=world.function, Qualifier="live")
    assert (found["MemorySize"], found["Timeout"]) == (1024, 10)
    world.lambda_.update_function_configuration(FunctionName=world.function, MemorySize=1536)
    world.lambda_.get_waiter("function_updated_v2").wait(FunctionName=world.function, WaiterConfig={"Delay": 1})
    world.release("1.2", now)
    found = world.lambda_.get_function_configuration(FunctionName=world.function, Qualifier="live")
    assert (found["MemorySize"], found["Timeout"]) == (1536, 10)


def test_a_release_that_cannot_be_measured_gets_no_more_traffic(world: World) -> None:
    live(world)
    world.denied.add("GetMetricData")
    world.at_look(14, lambda: world.command("abort"))
    assert world.release("1.1", f'{CANARY}inconclusive = "promote"')["status"] == Status.ABORTED
