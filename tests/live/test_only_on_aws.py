"""Behaviour that no local AWS can prove, each named in docs/live.md. Skipped without `--live`."""

import hashlib
import json
import statistics
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from deployer.model.status import Status
from tests.deployment import AT_ONCE
from tests.live.stack import Delivered, packed
from tests.local.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.timeout(3600)
LONG = '[rollout]\nstages = [{ weight = 50, bake = "1d" }]\n'
"""Looks are hours apart: what happens within a minute comes through EventBridge."""
PLAN = '[rollout]\nstages = [{ weight = 50, bake = "10m" }]\n'
STARTS = 10
"""Environments that are made to start at once; a new account may run ten."""


@pytest.fixture(autouse=True)
def served(on_aws: Delivered, tmp_path: Path) -> Delivered:
    """Return the stack with a live release to go back to."""
    on_aws.reaches(on_aws.drop("base", packed(tmp_path, "base", AT_ONCE)), Status.LIVE)
    return on_aws


def test_an_alarm_puts_the_alias_back_within_a_minute(served: Delivered, tmp_path: Path) -> None:
    drop = served.drop("alarmed", packed(tmp_path, "alarmed", LONG))
    served.reaches(drop, Status.SHIFTING)
    cloudwatch, began = served.account.client("cloudwatch"), time.monotonic()
    cloudwatch.set_alarm_state(AlarmName=f"{served.function}-errors", StateValue="ALARM", StateReason="a live test")
    until(lambda: not served.traffic[1], 60)
    print(f"alarm to alias whole: {time.monotonic() - began:.1f} s")
    assert served.reaches(drop, Status.ROLLED_BACK)["reason"].startswith("alarm")


def test_a_release_that_fails_its_callers_is_rolled_back_by_real_metrics(served: Delivered, tmp_path: Path) -> None:
    drop = served.drop("failing", packed(tmp_path, "failing", PLAN, failing=True))
    served.reaches(drop, Status.SHIFTING)
    stop, began = Event(), time.monotonic()

    def call() -> None:
        while not stop.is_set():
            served.ask()

    caller = Thread(target=call)
    caller.start()
    try:
        record = served.reaches(drop, Status.ROLLED_BACK)
    finally:
        stop.set()
        caller.join()
    print(f"first error to rolled back: {time.monotonic() - began:.0f} s; {record['reason']}")
    assert served.traffic[1] == {}


def test_a_stopped_execution_leaves_the_alias_whole(served: Delivered, tmp_path: Path) -> None:
    drop = served.drop("stopped", packed(tmp_path, "stopped", LONG))
    served.reaches(drop, Status.SHIFTING)
    client = served.account.client("lambda")
    (execution,) = client.list_durable_executions_by_function(
        FunctionName=served.outputs["Rollout"], Qualifier="live", DurableExecutionName=drop.release_id
    )["DurableExecutions"]
    client.stop_durable_execution(DurableExecutionArn=execution["DurableExecutionArn"])
    assert "STOPPED" in served.reaches(drop, Status.FAILED)["reason"]
    assert served.traffic[1] == {}


def test_provisioned_concurrency_is_ready_before_the_first_traffic(served: Delivered, tmp_path: Path) -> None:
    drop = served.drop("warm", packed(tmp_path, "warm", f"{AT_ONCE}[resources]\nprovisioned-concurrency = 1\n"))
    record = until(lambda: _ended(served, drop.release_id), 900)
    if record["status"] == Status.FAILED and "concurrency" in record["reason"]:
        pytest.skip(f"this account has no room for provisioned concurrency: {record['reason']}")
    assert record["status"] == Status.LIVE, record
    version = served.ask()[0]
    found = served.account.client("lambda").get_provisioned_concurrency_config(
        FunctionName=served.function, Qualifier=version
    )
    assert found["Status"] == "READY"
    assert {load["init_type"] for load in until(lambda: served.loads("warm"), 120)} >= {"provisioned-concurrency"}
    served.command("rollback")


def _ended(stack: Delivered, release_id: str) -> dict[str, str]:
    records = stack.command("history", limit=100)["releases"]
    return next((one for one in records if one["release_id"] == release_id and Status(one["status"]).final), {})


def test_nobody_but_the_deployer_touches_a_bundle(served: Delivered) -> None:
    s3, bucket = served.account.client("s3"), served.outputs["BundlesBucket"]
    stored = s3.list_object_versions(Bucket=bucket, Prefix="bundles/hello/")["Versions"][0]
    attempts: tuple[Callable[[], object], ...] = (
        lambda: s3.put_object(Bucket=bucket, Key="bundles/hello/mine.tar.zst", Body=b"x"),
        lambda: s3.get_object(Bucket=bucket, Key=stored["Key"]),
        lambda: s3.delete_object(Bucket=bucket, Key=stored["Key"], VersionId=stored["VersionId"]),
    )
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


def test_no_event_was_lost_on_the_way_and_the_stopped_rollout_alone_is_dead(served: Delivered) -> None:
    """Lambda puts the input of an execution that was stopped into the rollout's own queue; it may take its time."""
    assert _waiting(served, "DeadLetters") == 0
    until(lambda: _waiting(served, "DeadRollouts") == 1, 300)


def _waiting(stack: Delivered, queue: str) -> int:
    found = stack.account.client("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId=queue
    )
    counted = stack.account.client("sqs").get_queue_attributes(
        QueueUrl=found["StackResourceDetail"]["PhysicalResourceId"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(counted["Attributes"]["ApproximateNumberOfMessages"])


@pytest.mark.parametrize("size", ["small", "large"])
def test_cold_starts_are_measured(served: Delivered, tmp_path: Path, size: str, large: int) -> None:
    release = f"cold-{size}"
    archive = packed(tmp_path, release, AT_ONCE, large if size == "large" else 0)
    served.reaches(served.drop(release, archive), Status.LIVE, minutes=25)
    before = len(served.starts())
    served.ask_often(STARTS, together=STARTS)
    loads = until(lambda: served.loads(release), 180)
    inits = until(lambda: served.starts()[before:], 180)
    print(f"{release}: {len(inits)} inits, ms: {_spread(inits)}; files in place, ms: {_spread(_times(loads))}")
    assert max(inits) < 10_500  # Lambda cuts an init at ten seconds and repeats it: the bootstrap hands over before


def test_no_start_reads_what_has_not_arrived_and_leases_are_measured(
    served: Delivered, tmp_path: Path, large: int
) -> None:
    archive = packed(tmp_path, "leases", AT_ONCE, large)
    served.reaches(served.drop("leases", archive), Status.LIVE, minutes=25)
    with zipfile.ZipFile(archive) as content:
        last = content.namelist()[-1]
        wanted = hashlib.sha256(content.read(last)).hexdigest()
    with ThreadPoolExecutor(STARTS) as pool:
        answers = list(pool.map(lambda _: served.ask(json.dumps({"read": last}))[1], range(STARTS)))
    assert answers == [wanted] * STARTS
    loads = [load for load in until(lambda: served.loads("leases"), 180) if load["init_type"] == "on-demand"]
    sooner = [load["LoadAfterReady"] for load in loads if load["leased"]]
    found = (
        f"hold: ready sooner than the last file by {_spread(sooner)} ms" if sooner else "do not hold: all is awaited"
    )
    print(f"file leases on Lambda {found}; used in {len(sooner)} of {len(loads)} starts")


def _times(loads: list[dict[str, float]]) -> list[float]:
    return [load["LoadTime"] for load in loads]


def _spread(values: list[float]) -> str:
    return f"{min(values):.0f} / {statistics.median(values):.0f} / {max(values):.0f} (least, median, most)"
