"""The guards that seldom matter: each is met head on, because a race would meet it once in a thousand runs."""

from deployer.model.alias import Alias, Move
from deployer.model.record import Record
from deployer.model.status import Ending, Status
from tests.workflow.world import World

CANARY = '[rollout]\nstages = [{ weight = 10, bake = "5m" }, { weight = 50, bake = "5m" }]\n'


def moved_by_others(world: World) -> Alias:
    """Let a person move the alias; return it as the deployer still believes it to stand."""
    believed = world.alias
    world.lambda_.update_alias(FunctionName=world.function, Name="live", FunctionVersion="1")
    return believed


def test_an_alias_that_was_moved_meanwhile_is_left_as_it_is_and_told_as_it_is(served: World) -> None:
    believed = moved_by_others(served)
    wanted = believed.remove_canary("f" * 32, Move.ABORT)
    after = served.deployer.aws.functions.write_alias(served.function, believed, wanted)
    assert after == served.alias
    assert served.alias.stable == "1"


def test_what_somebody_staged_meanwhile_is_not_published_under_our_name(served: World) -> None:
    functions = served.deployer.aws.functions
    believed = functions.latest(served.function)
    served.lambda_.update_function_configuration(FunctionName=served.function, Environment={"Variables": {}})
    served.lambda_.get_waiter("function_updated_v2").wait(FunctionName=served.function, WaiterConfig={"Delay": 1})
    assert functions.publish(served.function, believed, "ours") is None
    assert served.versions == ["1", "2"]


def test_what_was_staged_meanwhile_is_not_overwritten(served: World) -> None:
    functions = served.deployer.aws.functions
    believed = functions.latest(served.function)
    served.lambda_.update_function_configuration(FunctionName=served.function, Description="theirs")
    served.lambda_.get_waiter("function_updated_v2").wait(FunctionName=served.function, WaiterConfig={"Delay": 1})
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
    served.at_look(2, lambda: served.serve("3", 20, errors=20))
    assert served.release("1.1", CANARY)["status"] == Status.ROLLED_BACK
    assert shares == [10, 10, 10]  # metrics are read before the alarms, where this test looks: the third sees them


def test_an_alarm_that_does_not_exist_keeps_a_healthy_release_at_its_stage(served: World) -> None:
    shares: list[int] = []
    served.at_every_look(served.serve_well)
    served.at_every_look(lambda: shares.append(served.alias.weight))
    served.at_look(25, lambda: served.command("abort"))  # the alarms are asked for twice a look: by prefix, by name
    assert served.release("1.1", f'{CANARY}alarms = ["no-such-alarm"]\n')["status"] == Status.ABORTED
    assert set(shares) == {10}
