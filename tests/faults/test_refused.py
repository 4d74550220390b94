"""A refusal of AWS that lasts is an answer: in words, with the traffic where it should be, and nothing is lost."""

from collections.abc import Callable

import pytest

from deployer.aws.errors import EventNotHandledError
from tests.faults.account import BUNDLES, Call
from tests.faults.faults import Kind
from tests.faults.flows import STAGES, WARM, prepared, two_live
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited
from tests.faults.world import World

LASTING = [Kind.INVALID, Kind.DENIED, Kind.LIMITED]


def by_kind(kind: Kind) -> str:
    return kind.name.lower()


def refuse(operation: str, kind: Kind) -> Callable[[Call], Kind | None]:
    return lambda call: kind if call.operation == operation else None


@pytest.mark.parametrize("kind", LASTING, ids=by_kind)
@pytest.mark.parametrize("operation", ["PutProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"])
def test_concurrency_that_is_refused_after_a_rollback_is_a_warning_and_a_moment(
    world: World, operation: str, kind: Kind
) -> None:
    for name in ("1.1", "1.2"):
        world.released(name, WARM)
    world.account.chance = refuse(operation, kind)
    answer = world.command("rollback")
    assert world.alias().traffic == {"3": 100}
    assert answer["answer"].startswith("rolled back")
    (warning,) = answer["warning"]
    assert f"AWS refused {operation}" in warning
    moments = [moment.what for drop in world.drops for moment in world.recorded(drop).timeline]
    assert moments.count(warning) == 1
    assert world.escaped == []


@pytest.mark.parametrize("kind", LASTING, ids=by_kind)
def test_a_release_is_live_although_the_concurrency_of_the_older_is_not_given_back(kind: Kind) -> None:
    with inhabited(prepared(two_live)) as world:
        world.account.chance = refuse("DeleteProvisionedConcurrencyConfig", kind)
        record = world.released("1.2", STAGES)
    assert record.status == "live"
    assert "keeps its provisioned concurrency" in record.timeline[-1].what


def test_a_rollback_whose_record_is_refused_says_so_and_is_written_down_when_it_is_said_again() -> None:
    with inhabited(prepared(two_live)) as world:
        world.account.chance = refuse("PutObject", Kind.DENIED)
        answer = world.command("rollback")
        assert "AWS refused PutObject: AccessDenied" in answer["warning"][0]
        assert world.alias().traffic == {"2": 100}
        world.drive_again()
    assert violations(world) == []


def test_a_command_that_aws_refuses_before_its_write_is_refused_in_words() -> None:
    with inhabited(prepared(two_live)) as world:
        world.account.chance = refuse("GetAlias", Kind.DENIED)
        answer = world.command("rollback")
    assert answer["answer"].startswith("AWS refused a call")
    assert "AWS refused GetAlias: AccessDenied" in " ".join(answer["report"])
    assert world.escaped == []


def test_a_drop_that_aws_refuses_for_good_is_a_dead_letter_and_goes_live_when_it_is_read_again(world: World) -> None:
    world.account.chance = refuse("Invoke", Kind.DENIED)
    world.released("1.1")
    assert {type(one.error) for one in world.escaped} == {EventNotHandledError}
    assert len(world.lost) == 1
    world.drive_again()
    assert world.recorded().status == "live"


# --- reads ---------------------------------------------------------------------------------------------------------


def test_an_expired_token_is_not_taken_for_a_drop_that_is_gone(world: World) -> None:
    broken = iter([Kind.EXPIRED] * 2)  # botocore asks again at once
    world.account.chance = lambda call: next(broken, None) if call.operation == "HeadObject" else None
    assert world.released("1.1").status == "live"


def test_an_expired_token_is_not_taken_for_a_bundle_that_is_gone() -> None:
    with inhabited(prepared(two_live)) as world:
        world.account.chance = refuse("HeadObject", Kind.EXPIRED)
        assert world.command("rollback")["answer"].startswith("AWS refused")
        assert world.alias().traffic == {"3": 100}
        world.account.mend()
        assert world.command("rollback")["answer"].startswith("rolled back")


# --- what is left behind ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.INVALID, Kind.BROKEN, Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER], ids=by_kind)
@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload"])
def test_an_upload_that_fails_leaves_no_parts_behind(world: World, operation: str, kind: Kind) -> None:
    world.account.chance = refuse(operation, kind)
    world.released("1.1")
    assert world.account.s3.buckets[BUNDLES].uploads == {}


# --- moves by others -------------------------------------------------------------------------------------------------

_ALL_TO_THE_NEW = {"RoutingConfig": {"AdditionalVersionWeights": {}}, "FunctionVersion": "3"}


def test_a_version_that_somebody_gave_all_traffic_keeps_its_concurrency(world: World) -> None:
    world.drop("1.1", WARM)
    world.run(until=world.shifting)
    world.foreign(**_ALL_TO_THE_NEW)
    world.run()
    (function,) = world.account.lambda_.functions.values()
    assert function.provisioned == {"3": 2}


def test_an_abort_of_a_waiting_release_adopts_no_move_by_others() -> None:
    with inhabited(prepared(two_live)) as world:
        world.foreign(**{**_ALL_TO_THE_NEW, "FunctionVersion": "2"})
        drop = world.drop("1.2", STAGES)
        world.run(until=lambda: drop.release_id in world.executions)
        assert world.command("status")["moved_by_others"]
        assert world.command("abort")["answer"].startswith("aborted")
        assert world.command("status")["moved_by_others"]
        world.run()
    assert world.recorded(drop).status == "aborted"
    assert world.alias().traffic == {"2": 100}
