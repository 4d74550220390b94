"""The deployer checks the sender of orders, events and news: a caller with the right to invoke can send anything."""

import json

import pytest

from deployer import controller
from deployer.model.alias import ADMINISTRATION
from deployer.model.drop import Drop
from tests.faults.account import RELEASES
from tests.faults.buckets import Bucket
from tests.faults.engine import Execution
from tests.faults.wiring import context, parsed
from tests.faults.world import World, packed, stopped

OTHERS = "somebody-elses-bucket"


def put(world: World, bucket: str, key: str) -> Drop:
    """Put an archive into a bucket without S3 telling of it."""
    made = world.account.s3.put_object(bucket, key, packed("9.9"))
    return Drop(bucket=bucket, key=key, version_id=made["VersionId"], force=True)


def order(world: World, drop: Drop, name: str = "") -> Execution:
    """Invoke the rollout as anybody may who has the right to."""
    payload = drop.model_dump_json()
    execution = Execution(name or drop.release_id, payload, world.account.now)
    world.executions[execution.name] = execution
    world.account.lambda_.orders[execution.name] = payload
    world.run()
    return execution


@pytest.mark.parametrize(
    ("bucket", "key", "name", "why"),
    [
        (OTHERS, "orders/9.9.zip", "", f"bucket {OTHERS}"),
        (RELEASES, "orders/9.9.zip", "", "no record"),
        (RELEASES, "orders/9.9.zip", "another-name", "execution another-name"),
        (RELEASES, "somebody/9.9.zip", "", "no record"),
    ],
)
def test_a_rollout_that_the_controller_did_not_order_touches_nothing(
    world: World, bucket: str, key: str, name: str, why: str
) -> None:
    world.account.s3.buckets[OTHERS] = Bucket()
    drop = put(world, bucket, key)
    written = len(world.account.s3.written)
    execution = order(world, drop, name)
    assert execution.status == "SUCCEEDED"
    assert execution.result
    assert execution.result["status"] == "rejected"
    assert why in execution.result["reason"]
    assert world.alias().traffic == {"2": 100}
    assert len(world.account.s3.written) == written
    assert len(world.account.lambda_.functions["dropshift-app-orders"].versions) == 2


def test_an_order_with_force_for_a_release_that_ended_changes_nothing(world: World) -> None:
    execution = order(world, world.drops[0].model_copy(update={"force": True, "sequencer": ""}))
    assert execution.result
    assert execution.result["status"] == "live"
    assert world.alias().traffic == {"2": 100}


# --- news of the engine ---------------------------------------------------------------------------


def test_news_of_a_death_that_the_engine_does_not_confirm_ends_nothing(baking: World) -> None:
    execution = baking.executions[baking.drops[-1].release_id]
    forged = stopped(execution)
    forged["detail"]["status"] = "FAILED"
    baking.deliver(forged)
    baking.receive(baking.inbox[-1])
    assert baking.answers[-1]["answer"] == "ignored"
    assert baking.alias().traffic == {"2": 90, "3": 10}
    baking.run()
    assert baking.recorded().status == "live"


@pytest.mark.parametrize(
    "change",
    [
        {"status": "x" * 1_280},
        {"status": "RUNNING"},
        {"durableExecutionArn": "no ARN"},
        {"durableExecutionArn": "arn:aws:lambda:eu-central-1:123456789012:function:other:1/durable-execution/a/1"},
    ],
    ids=["a long status", "no end", "no ARN", "another function"],
)
def test_news_that_is_not_the_rollouts_is_ignored(baking: World, change: dict[str, str]) -> None:
    execution = baking.executions[baking.drops[-1].release_id]
    execution.status = "STOPPED"
    news = stopped(execution)
    news["detail"] |= change
    baking.deliver(news)
    baking.receive(baking.inbox[-1])
    assert baking.answers[-1]["answer"] == "ignored"
    assert baking.alias().traffic == {"2": 90, "3": 10}


def test_news_of_an_execution_that_the_engine_does_not_know_is_kept_for_people(baking: World) -> None:
    news = stopped(baking.executions[baking.drops[-1].release_id])
    news["detail"] |= {"status": "FAILED", "durableExecutionArn": news["detail"]["durableExecutionArn"] + "0"}
    baking.deliver(news)
    baking.run()
    assert json.dumps(baking.lost[0].event) == json.dumps(news)


# --- the way in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("alias", ["orders", ADMINISTRATION, "$LATEST"])
def test_an_event_through_an_alias_is_refused_and_starts_nothing(world: World, alias: str) -> None:
    """A sender with commands for one application could otherwise order releases of another, or end their rollouts."""
    world.drop("9.9")
    (delivery,) = world.inbox
    answer = controller.handler(delivery.event, context(alias))
    assert answer["answer"].startswith("refused")
    assert "an event through the alias" in answer["problems"][0]["found"]
    assert world.drops[-1].release_id not in world.account.lambda_.orders
    assert world.record(world.drops[-1]) is None


# --- what is logged -------------------------------------------------------------------------------


def test_a_drop_that_comes_again_is_not_logged_as_new(baking: World) -> None:
    baking.notify(baking.drops[-1])
    baking.run()
    said = [line for line in parsed(baking.prints.getvalue()) if line.get("message") == "drop.received"]
    assert [line["new"] for line in said if line["release"] == "1.1"] == [True, False]
