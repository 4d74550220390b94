"""A sample of `python -m tests.faults.contention`: commands go first, however much rollouts ask for."""

import pytest
from botocore.exceptions import ClientError

from deployer.aws import Aws
from tests.faults.calls import group
from tests.faults.contention import rush
from tests.faults.faults import Kind
from tests.faults.scale import CONTROL_PLANE
from tests.faults.wiring import connected, inhabited, settings
from tests.faults.world import World


def test_rollbacks_are_answered_within_five_seconds_while_rollouts_take_all_calls() -> None:
    outcome = rush(rollouts=40, rollbacks=15)
    assert outcome.calls_per_second > 14, "the account has fifteen"
    assert outcome.throttled_per_second > 5
    assert max(outcome.rollbacks) < 5


def test_a_rollouts_throttled_calls_wait_as_the_sdk_does_and_none_is_tried_for_ever() -> None:
    world = World(settings())
    account = world.account
    with inhabited(world):
        account.chance = lambda call: Kind.THROTTLED if group(call) == CONTROL_PLANE else None
        assert world.command("rollback") is None, "each of three tries was throttled"
        of_commands = {call.attempts for call in account.calls if call.operation == "GetAlias"}
        account.calls.clear()
        rollouts = Aws.connect(settings().model_copy(update={"rollout_function": ""}), connected(lambda: account))
        with pytest.raises(ClientError):
            rollouts.functions.alias(world.settings.function("orders"))
    assert [call.attempts for call in account.calls] == [10]
    assert of_commands == {100}
