"""Events without a command: alarms, dead executions, concurrency, announcements."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from deployer.model.alias import Move
from deployer.model.drop import Drop
from deployer.model.status import Status
from tests.faults.faults import Killed
from tests.workflow.world import CANARY, GO_ON, NOW, WARM, World


def test_an_alarm_rolls_back_at_once_with_one_write(served: World) -> None:
    answers: list[dict[str, Any]] = []

    def goes_red() -> None:
        name = served.alarm("ALARM")
        served.calls.clear()
        answers.append(served.hear(name))
        assert served.calls.count("UpdateAlias") == 1
        assert served.alias.traffic == ("2", None, 0)

    served.at_look(2, goes_red)
    ended = served.release("1.1", CANARY)
    assert answers[0]["answer"] == "all traffic is on 1.0 (version 2) again"
    assert ended["status"] == Status.ROLLED_BACK
    assert ended["reason"] == f"alarm {served.function}-errors is in ALARM"


def test_a_fix_goes_out_while_the_alarm_is_red(served: World) -> None:
    name = served.alarm("ALARM")
    served.at_every_look(served.serve_well)
    served.at_look(2, lambda: served.hear(name))
    assert served.release("1.1", CANARY)["status"] == Status.LIVE


def test_a_composite_alarm_of_the_manifest_rolls_back(served: World) -> None:
    name = f"orders-of-{served.application}"
    served.alarm("OK", name, composite=True)
    served.at_look(2, lambda: served.alarm("ALARM", name, composite=True))
    ended = served.release("1.1", f'{GO_ON}alarms = ["{name}"]\n')
    assert ended["status"] == Status.ROLLED_BACK
    assert name in ended["reason"]


def test_a_composite_alarm_that_was_red_before_does_not_block(served: World) -> None:
    name = served.alarm("ALARM", f"orders-of-{served.application}", composite=True)
    assert served.release("1.1", f'{GO_ON}alarms = ["{name}"]\n')["status"] == Status.LIVE


@pytest.mark.parametrize("state", ["OK", "ALARM"])
def test_an_alarm_without_a_release_under_way_changes_nothing(served: World, state: str) -> None:
    before = served.alias
    served.hear(served.alarm(state), state)
    assert served.alias == before


def test_a_late_alarm_event_does_not_end_a_healthy_release(served: World) -> None:
    served.at_every_look(served.serve_well)
    served.at_look(2, lambda: served.hear(served.alarm("OK")))
    assert served.release("1.1", CANARY)["status"] == Status.LIVE


def killed(world: World, manifest: str, before: Callable[[Drop], object]) -> Drop:
    """Drop release 1.1, and kill its rollout at the second look, after something else."""
    drop = world.drop("1.1", manifest)

    def die() -> None:
        before(drop)
        raise Killed

    world.at_look(2, die)
    with pytest.raises(Killed):
        world.roll_out(drop)
    return drop


def test_a_dead_rollout_leaves_the_alias_whole_and_ends_failed(served: World) -> None:
    drop = killed(served, CANARY, lambda _: None)
    assert served.alias.canary == "3"
    stopped = served.engine_ends(drop, "FAILED")
    served.tell(stopped)
    assert served.alias.traffic == ("2", None, 0)
    record = served.record(drop)
    assert (record.status, record.reason) == (Status.FAILED, "the rollout's execution ended FAILED")
    served.tell(stopped)
    assert served.record(drop) == record


def test_a_command_that_died_before_its_record_gives_a_dead_rollout_its_end(served: World) -> None:
    """A: rollback moves the alias, and dies before it updates the record.  B: the rollout dies, too."""

    def roll_back(drop: Drop) -> None:
        without = served.alias.remove_canary(drop.release_id, Move.ROLL_BACK, by_command=True)
        served.deployer.write_alias(served.application, served.alias, without)

    drop = killed(served, CANARY, roll_back)
    later = served.drop("1.2", CANARY)
    served.deployer.begin_record(later)
    for died, status in ((later, Status.FAILED), (drop, Status.ROLLED_BACK)):
        served.tell(served.engine_ends(died, "TIMED_OUT"))
        record = served.record(died)
        assert (record.status, record.reason) == (status, "the rollout's execution ended TIMED_OUT")


def test_a_dead_rollout_whose_release_has_all_traffic_ends_live(served: World) -> None:
    drop = killed(served, f"{CANARY}{WARM}", lambda _: served.command("promote", full=True))
    served.tell(served.engine_ends(drop, "STOPPED"))
    assert (served.record(drop).status, served.alias.traffic) == (Status.LIVE, ("3", None, 0))
    assert concurrency(served)["3"] == 2


def test_an_execution_of_somebody_else_is_ignored(served: World) -> None:
    somebodys = Drop(bucket=served.settings.releases_bucket, key="somebody/1.0.zip", version_id="1")
    assert served.tell(served.engine_ends(somebodys, "FAILED"))["answer"] == "ignored"


def concurrency(world: World) -> dict[str, int]:
    """The provisioned concurrency that was asked for, by version, and on the alias, where it has no place."""
    asked: dict[str, int] = {}
    for version in (*world.versions, world.settings.alias):
        with suppress(world.lambda_.exceptions.ProvisionedConcurrencyConfigNotFoundException):
            found = world.lambda_.get_provisioned_concurrency_config(FunctionName=world.function, Qualifier=version)
            asked[version] = found["RequestedProvisionedConcurrentExecutions"]
    return asked


def test_concurrency_is_on_the_version_before_its_traffic_and_leaves_with_the_old_one(served: World) -> None:
    seen: list[dict[str, int]] = []
    served.before_call("UpdateAlias", lambda: seen.append(concurrency(served)))
    assert served.release("1.1", f"{NOW}{WARM}")["status"] == Status.LIVE
    assert seen[0] == {"3": 2}
    assert served.release("1.2", f"{NOW}[resources]\nprovisioned-concurrency = 3\n")["status"] == Status.LIVE
    assert concurrency(served) == {"4": 3}
    served.command("rollback")
    assert concurrency(served) == {"3": 2}


def test_traffic_waits_until_the_concurrency_is_ready(served: World) -> None:
    served.answer_first("PutProvisionedConcurrencyConfig", {"Status": "IN_PROGRESS"}, version="3")
    served.answer_first("GetProvisionedConcurrencyConfig", *[{"Status": "IN_PROGRESS"}] * 2, version="3")
    served.calls.clear()
    asked: list[int] = []
    served.before_call("UpdateAlias", lambda: asked.append(served.calls.count("GetProvisionedConcurrencyConfig")))
    assert served.release("1.1", f"{NOW}{WARM}")["status"] == Status.LIVE
    assert asked == [4]  # before it was asked for, twice not ready, ready


def test_concurrency_that_lambda_refuses_fails_the_release_before_any_traffic(served: World) -> None:
    refused = {"Status": "FAILED", "StatusReason": "the account has no more"}
    served.answer_first("PutProvisionedConcurrencyConfig", refused, version="3")
    ended = served.release("1.1", f"{NOW}{WARM}")
    assert ended == ended | {"status": Status.FAILED, "reason": "provisioned concurrency of 2: the account has no more"}
    assert concurrency(served) == {}
    assert served.alias.traffic == ("2", None, 0)


def snapshot(state: str, optimised: str) -> dict[str, Any]:
    """GetFunction's answer about a version under SnapStart."""
    snap_start = {"ApplyOn": "PublishedVersions", "OptimizationStatus": optimised}
    return {"Configuration": {"State": state, "SnapStart": snap_start}}


@pytest.mark.parametrize("state", ["Inactive", "Deactivated", "ActiveNonInvocable", "Deleting", "Failed"])
def test_a_version_in_any_state_but_active_is_not_smoke_tested(world: World, state: str) -> None:
    """An invocation would fail. Source: AWS Lambda developer guide, Lambda function states."""
    world.answer_first("GetFunction", {"Configuration": {"State": state, "StateReason": "as it is"}}, version="2")
    ended = world.release("1.0")
    assert (ended["status"], ended["reason"]) == (Status.FAILED, f"the version is {state} instead of Active: as it is")
    assert "Invoke" not in world.calls


def test_a_snapshot_is_waited_for_until_it_is_active_and_optimised(served: World) -> None:
    making, made = snapshot("Pending", "Off"), snapshot("Active", "Off")
    served.answer_first("GetFunction", *[making] * 60, *[made] * 3, snapshot("Active", "On"), version="3")
    left: list[int] = []
    served.before_call("Invoke", lambda: left.append(len(served.account.first_answers["GetFunction"])))
    assert served.release("1.1", NOW)["status"] == Status.LIVE
    assert left == [0], "no look too few, before the smoke test"


def test_a_snapshot_that_fails_ends_the_release_with_lambdas_reason(served: World) -> None:
    failed = {"Configuration": {"State": "Failed", "StateReason": "init ended with exit code 1"}}
    served.answer_first("GetFunction", failed, version="3")
    ended = served.release("1.1", NOW)
    assert (ended["status"], served.alias.traffic) == (Status.FAILED, ("2", None, 0))
    assert "init ended with exit code 1" in ended["reason"]


def test_concurrency_of_a_release_that_ends_badly_is_given_back(served: World) -> None:
    served.fail_at_look(1)
    ended = served.release("1.1", f"{CANARY}{WARM}")
    assert ended["status"] == Status.ROLLED_BACK
    assert concurrency(served) == {}


def test_every_change_of_a_release_is_announced_once(served: World) -> None:
    before = len(served.announced)
    served.release("1.1", GO_ON)
    announced = served.announced[before:]
    changes = [one["what"].split(":")[0] for one in announced]
    assert changes == [
        "received",
        "inspected",
        "bundled",
        "published as version 3",
        "smoke test passed",
        "plan",
        "shift 10 % of the traffic to version 3",
        "shift 50 % of the traffic to version 3",
        "promote version 3",
        "live",
    ]
    assert {one["release"] for one in announced} == {"1.1"}
