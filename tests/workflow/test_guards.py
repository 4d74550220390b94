"""The guards that seldom matter: each is met head on, because a race would meet it once in a thousand runs."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.model.alias import Move
from deployer.model.record import Record
from deployer.model.status import Ending, Status
from tests.workflow.world import CANARY, NOW, WARM, World


def test_an_alias_that_was_moved_meanwhile_is_left_and_returned_as_it_is(served: World) -> None:
    believed = served.alias
    served.lambda_.update_alias(FunctionName=served.function, Name="live", FunctionVersion="1")
    wanted = believed.remove_canary("f" * 32, Move.ABORT)
    after = served.deployer.aws.functions.write_alias(served.function, believed, wanted)
    assert after == served.alias
    assert served.alias.stable == "1"


def test_what_somebody_staged_meanwhile_is_not_published_under_our_name(served: World) -> None:
    functions = served.deployer.aws.functions
    believed = functions.latest(served.function)
    served.configure(Environment={"Variables": {}})
    assert functions.publish(served.function, believed, "ours") is None
    assert served.versions == ["1", "2"]


def test_what_was_staged_meanwhile_is_not_overwritten(served: World) -> None:
    functions = served.deployer.aws.functions
    believed = functions.latest(served.function)
    served.configure(Description="theirs")
    functions.configure(served.function, believed, believed.model_copy(update={"environment": {"OURS": "1"}}))
    assert "OURS" not in functions.latest(served.function).environment


def test_two_who_change_a_record_at_once_are_both_in_it(served: World) -> None:
    records, drop = served.deployer.aws.records, served.drop("1.1")
    known = records.begin(Record.received(drop, served.deployer.now()))
    at, others = served.deployer.now(), iter(["the other's"])

    def interrupted(record: Record) -> Record:
        if what := next(others, ""):
            records.change(known, lambda one: one.with_entry(at, what))
        return record.with_entry(at, "ours")

    records.change(known, interrupted)
    assert [moment.what for moment in served.record(drop).timeline] == ["received", "the other's", "ours"]


def test_an_end_is_written_once(served: World) -> None:
    drop = served.drop("1.1")
    record = Record.received(drop, served.deployer.now())
    ended = record.ended(served.deployer.now(), Ending(status=Status.ABORTED, reason="wrong file"))
    again = ended.ended(served.deployer.now(), Ending(status=Status.LIVE, reason="all traffic"))
    assert (again.status, again.reason) == (Status.ABORTED, "wrong file")
    assert again.with_entry(served.deployer.now(), "later", status=Status.SHIFTING).status is Status.ABORTED


def test_the_first_unhealthy_look_is_the_last(served: World) -> None:
    shares: list[int] = []
    served.at_every_look(lambda: shares.append(served.alias.weight))
    served.fail_at_look(2)
    assert served.release("1.1", CANARY)["status"] == Status.ROLLED_BACK
    assert shares == [10, 10, 10]  # metrics are read before the alarms, where this test looks: the third sees them


def test_an_alarm_that_does_not_exist_keeps_a_healthy_release_at_its_stage(served: World) -> None:
    shares: list[int] = []
    served.at_every_look(served.serve_well)
    served.at_every_look(lambda: shares.append(served.alias.weight))
    served.at_look(25, lambda: served.command("abort"))  # the alarms are asked for twice a look: by prefix, by name
    assert served.release("1.1", f'{CANARY}alarms = ["no-such-alarm"]\n')["status"] == Status.ABORTED
    assert set(shares) == {10}


# --- what a rollback starts, and what AWS refuses of it --------------------------------------------------------------
TO_WARM = {"answer": "rolled back from 1.2 (version 4) to 1.1 (version 3)", "version": "3"}


@pytest.fixture
def warm(served: World) -> World:
    """An application whose previous release, version 3, had provisioned concurrency."""
    served.release("1.1", f"{NOW}{WARM}")
    served.release("1.2", NOW)
    return served


def of_release(world: World, release: str) -> dict[str, Any]:
    """Return the fields of a release's record."""
    fields: dict[str, Any] = next(one for one in world.command("history")["releases"] if one["release"] == release)
    return fields


def test_a_rollback_starts_without_more_than_the_stack_allows_by_now(warm: World) -> None:
    warm.settings = warm.settings.model_copy(update={"max_provisioned_concurrency": 1})
    warm.deployer = replace(warm.deployer, settings=warm.settings)
    warning = "version 3 was released with provisioned concurrency of 2, and the stack allows 1 now: it starts without"
    assert warm.command("rollback") == {**TO_WARM, "warning": [warning]}
    assert of_release(warm, "1.1")["timeline"][-1]["what"] == warning


def test_a_rollback_starts_what_the_stack_just_allows(warm: World) -> None:
    warm.settings = warm.settings.model_copy(update={"max_provisioned_concurrency": 2})
    warm.deployer = replace(warm.deployer, settings=warm.settings)
    assert warm.command("rollback") == TO_WARM
    assert warm.calls[-1] == "PutProvisionedConcurrencyConfig"
    assert "1.1 (version 3) keeps 2 environments ready" in str(warm.command("status")["answer"])


def test_the_name_of_a_release_that_is_left_is_shown_as_it_is(served: World) -> None:
    served.release("roll on", NOW)
    assert served.command("rollback")["answer"] == "rolled back from roll on (version 3) to 1.0 (version 2)"


# --- endings of releases ---------------------------------------------------------------------------------------------


def test_the_newest_of_the_waiting_releases_is_aborted_unless_one_is_named(served: World) -> None:
    drops = [served.drop(name) for name in ("1.1", "1.2", "1.3")]
    for drop in drops:
        served.deployer.begin_record(drop)
    assert served.command("abort")["answer"] == "aborted 1.3 before it had any traffic"
    named = drops[0].release_id
    assert served.command("abort", release=named)["answer"] == "aborted 1.1 before it had any traffic"


def test_a_canary_that_a_command_rolls_back_without_a_reason_has_one(served: World) -> None:
    served.at_look(1, lambda: served.command("rollback"))
    ended = served.release("1.1", CANARY)
    assert (ended["status"], ended["reason"]) == (Status.ROLLED_BACK, "roll-back by command")
    entries = [one["what"] for one in of_release(served, "1.1")["timeline"]]
    assert "roll back: version 3 loses its 10 % of the traffic" in entries


# --- alarms ----------------------------------------------------------------------------------------------------------


def test_an_alarm_rolls_back_with_the_error_that_the_log_has(served: World) -> None:
    name = f"{served.function}-errors"
    served.account.logs.lines.append(("3", "[ERROR] ValueError: no such order"))

    def goes_red() -> None:
        assert served.hear(name)["answer"] == f"nothing to do: {name} is not in ALARM, or was before the release began"
        served.alarm("ALARM")
        said = {"answer": "all traffic is on 1.0 (version 2) again", "version": "2"}
        assert served.hear(name) == said
        assert served.hear(name)["answer"] == "nothing to do: no release is taking traffic in stages"

    served.at_look(2, goes_red)
    reason = f"alarm {name} is in ALARM; version 3 failed with ValueError: no such order"
    assert served.release("1.1", CANARY)["reason"] == reason
