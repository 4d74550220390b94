"""A function's block in the stack, and AWS's refusals of it: each is an answer, and no event is lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from deployer.model.record import Record
from deployer.model.status import Status
from tests.deployment import AT_ONCE
from tests.faults.faults import Kind
from tests.faults.flows import STAGES, WARM, four_live, prepared, two_live
from tests.faults.functions import Function
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited
from tests.faults.world import World

DELETES = {"DeleteObject", "DeleteFunction"}
WRITES = {"UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"} | DELETES


def function_of(world: World) -> Function:
    (function,) = world.account.lambda_.functions.values()
    return function


def remedies(record: Record) -> str:
    return " ".join(problem.remedy for problem in record.problems)


def writes(world: World) -> set[str]:
    return {call.operation for call in world.account.calls} & WRITES


def hide(world: World) -> None:
    function_of(world).hidden = True


def provision_alias(world: World) -> None:
    function_of(world).provisioned["live"] = 5


@pytest.mark.parametrize(
    ("change", "remedy"), [(hide, "KmsKeyArn"), (provision_alias, "[resources] provisioned-concurrency")]
)
def test_what_a_release_cannot_do_to_the_function_is_refused_at_inspection_and_nothing_is_written(
    world: World, change: Callable[[World], None], remedy: str
) -> None:
    change(world)
    record = world.released("1.1", STAGES)
    assert (record.status, writes(world)) == (Status.REJECTED, set())
    assert remedy in remedies(record)
    assert function_of(world).config["Environment"]["Variables"]["OWN"] == "setting"
    assert violations(world) == []


@pytest.mark.parametrize(
    ("change", "written", "words"),
    [
        (hide, set(), "environment cannot be read: Lambda was unable to decrypt"),
        (provision_alias, WRITES - DELETES, "Invalid alias configuration for Provisioned Concurrency"),
    ],
)
def test_what_changes_after_the_inspection_ends_the_release_with_lambdas_words(
    world: World, change: Callable[[World], None], written: set[str], words: str
) -> None:
    world.account.chance = lambda call: change(world) if call.operation == "CreateMultipartUpload" else None
    record = world.released("1.1", STAGES)
    assert (record.status, writes(world)) == (Status.FAILED, written)
    assert words in record.reason
    assert violations(world) == []


def test_prune_deletes_nothing_while_it_cannot_read_what_versions_point_at() -> None:
    with inhabited(prepared(four_live)) as world:
        hide(world)
        answer = world.command("prune", keep=1)
    assert answer["answer"].startswith("refused")
    assert writes(world) == set()


def test_a_rollback_to_a_version_whose_bundle_cannot_be_looked_for_takes_force() -> None:
    with inhabited(prepared(four_live)) as world:
        hide(world)
        answer = world.command("rollback")
        assert "cannot be read: Lambda was unable to decrypt" in answer["problems"][0]["found"]
        assert writes(world) == set()
        assert world.command("rollback", force=True)["answer"].startswith("rolled back")
    assert violations(world) == []


def test_prune_keeps_the_newest_versions_in_whatever_order_lambda_lists_them() -> None:
    with inhabited(prepared(four_live)) as world:
        pruned = world.command("prune", keep=3)
    assert pruned["versions"] == ["2"]
    assert set(function_of(world).versions) == {"1", "3", "4", "5"}


@pytest.mark.parametrize(
    "changed", [{"Role": "arn:aws:iam::123456789012:role/b"}, {"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:b"}}]
)
def test_another_role_or_queue_takes_one_release_all_at_once_and_then_stages(
    world: World, changed: dict[str, Any]
) -> None:
    """As a stack update changes it; Lambda shares no traffic among versions that differ in one."""
    function_of(world).config |= changed
    refused = world.released("1.1", STAGES)
    assert (refused.status, writes(world)) == (Status.REJECTED, set())
    assert 'strategy = "all-at-once"' in remedies(refused)
    assert world.released("1.2", AT_ONCE).status == "live"
    assert world.released("1.3", STAGES).status == "live"
    assert violations(world) == []


@pytest.mark.parametrize("operation", ["UpdateFunctionConfiguration", "PutProvisionedConcurrencyConfig", "UpdateAlias"])
def test_what_the_account_cannot_give_ends_the_release_at_once_with_lambdas_words(operation: str) -> None:
    """More memory than it may have, more concurrency than is left: another try changes nothing."""
    with inhabited(prepared(two_live)) as world:
        world.account.chance = lambda call: Kind.INVALID if call.operation == operation else None
        began = world.account.now
        record = world.released("1.2", WARM)
    assert record.status == Status.FAILED
    assert record.reason == f"AWS refused {operation}: InvalidParameterValueException: injected"
    assert world.account.now - began < timedelta(minutes=1)
    assert sum(call.operation == operation for call in world.account.calls) == 1
    assert violations(world) == []


def test_a_rollback_of_an_alias_that_lambda_moves_by_itself_is_answered_and_takes_place() -> None:
    """Lambda leaves all traffic with the older version at first, by weights of its own.

    Source: hashicorp/terraform-provider-aws#48116, with `additional_version_weights = {"1": 1}` in the meantime.
    """
    with inhabited(prepared(two_live)) as world:
        provision_alias(world)
        answer = world.command("rollback")
        world.account.pass_time(world.account.now + timedelta(minutes=5))
        settled = world.account.lambda_.get_alias(world.settings.function("orders"), "live")
    assert settled["FunctionVersion"] == "2"
    assert "RoutingConfig" not in settled
    assert answer["answer"].startswith("rolled back")
    assert world.escaped == []
