"""From a dropped archive to live, and back: the whole stack, on the template's own roles with IAM enforced."""

import json
import math
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.model.drop import Drop
from deployer.model.status import Status
from tests import pythons
from tests.deployment import APPLICATION, AT_ONCE, TOLD, story
from tests.end_to_end.stack import CANARY, FUNCTION, Stack, serving
from tests.local import LocalAws
from tests.local.waiting import until

LONG = '[rollout]\nstages = [{ weight = 10, bake = "1d" }]\n'
EVENTS = Path(__file__).parents[2] / "events"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One stack for all of these; its roles may do what template.yaml grants, and nothing else."""
    with LocalAws(auth=True, speed=60) as aws:
        made = Stack(aws, runtime=f"python{pythons.VERSION}")
        yield made
        denied = [call for call in aws.calls() if call.status == 403]
        assert not denied, denied
        assert all(call.parameters.get("RevisionId") for call in made.moves())


def test_before_the_first_drop_every_call_says_what_to_do(stack: Stack) -> None:
    _, answer = stack.ask()
    assert answer["errorType"] == "Dropshift.NoRelease"
    assert stack.outputs["ReleasesBucket"] in answer["errorMessage"]


def test_an_archive_of_more_than_lambda_takes_goes_up_in_parts_and_becomes_live(stack: Stack) -> None:
    drop = stack.live("1.0", files={"data.bin": os.urandom(20 << 20), "zeros.bin": bytes(240 << 20)})
    parts = stack.s3.head_object(Bucket=drop.bucket, Key=drop.key)["ETag"].partition("-")[2]
    assert int(parts.strip('"')) > 1
    assert stack.ask()[1] == "1.0"
    assert stack.record(drop)["timeline"][-1]["what"].startswith("live")
    everything = stack.index(stack.traffic[0])
    assert f"__pycache__/lambda_function.{pythons.tag()}.pyc" in {file.path for file in everything.files}


def test_the_smoke_test_left_a_profile_of_what_the_start_touched(stack: Stack) -> None:
    profile = stack.profile(f"python{pythons.VERSION}")
    assert f"__pycache__/lambda_function.{pythons.tag()}.pyc" in profile["touched"]
    assert "data.bin" in profile["untouched"]


def test_traffic_moves_in_stages_and_callers_get_the_shares_they_should(stack: Stack) -> None:
    drop = stack.drop("1.1", files={"data.bin": os.urandom(1 << 20)}, manifest=CANARY)
    until(lambda: stack.traffic[1])  # the record says "shifting" before the alias is written
    stable, weights = stack.traffic
    (canary,) = weights
    assert stack.index(canary).files[-1].path == "data.bin", "as recorded"
    answers = [stack.ask()[0] for _ in range(300)]
    seen = answers.count(canary) / len(answers)
    spread = 4.5 * math.sqrt(0.3 * 0.7 / len(answers))
    # The second stage may begin while we count: the share lies between both weights, give or take chance.
    assert 0.3 - spread <= seen <= 0.6 + spread
    assert set(answers) == {stable, canary}
    with stack.callers():
        assert stack.ended(drop)["status"] == Status.LIVE
    assert stack.ask()[1] == "1.1"


def test_a_release_that_fails_its_callers_is_rolled_back(stack: Stack) -> None:
    before = stack.traffic
    body = "if event != {'dropshift': {'smoke-test': RELEASE}}: raise ValueError('a defect')"
    with stack.callers() as counts:
        record = stack.ended(stack.drop("1.2", {"lambda_function.py": serving("1.2", body)}))
    assert record["status"] == Status.ROLLED_BACK
    assert "ValueError: a defect, lambda_function.py:4" in record["reason"], "by the alarm or by a look"
    assert sum(count for who, count in counts.items() if "failed" in who) > 0
    assert stack.traffic == before
    assert stack.ask()[1] == "1.1"


def test_a_rollback_by_hand_is_one_write_and_brings_back_the_code(stack: Stack) -> None:
    before = len(stack.moves())
    answer = stack.command("rollback", reason="a test")
    assert answer["answer"].startswith("rolled back")
    assert len(stack.moves()) == before + 1
    assert stack.ask()[1] == "1.0"


def test_the_story_goes_as_it_does_in_memory(stack: Stack) -> None:
    assert list(story(stack)) == TOLD


def test_events_three_times_each_in_any_order_are_one_execution_one_version_one_promotion(stack: Stack) -> None:
    """Of a drop, and of an older one that ended long ago: its events come late and start nothing."""
    older = _first(stack)
    before, started, moves, versions = stack.record(older), _executions(stack), len(stack.moves()), _versions(stack)
    drop = stack.drop("2.0", manifest=AT_ONCE)
    events = [_event(drop), _event(older)] * 3
    random.Random(6).shuffle(events)  # noqa: S311 - an order, no secret
    for event in events:
        stack.invoke(event)
    assert stack.ended(drop)["status"] == Status.LIVE
    stack.invoke(_event(drop))
    stack.invoke(_event(older))
    assert sorted(_executions(stack)) == sorted([*started, drop.release_id])
    assert len(_versions(stack)) == len(versions) + 1
    assert len(stack.moves()) == moves + 1
    assert stack.record(older) == before
    assert stack.ask()[1] == "2.0"


def _first(stack: Stack) -> Drop:
    """Of the releases that ended, the one that was dropped first."""
    record = stack.command("history", limit=100)["releases"][-1]
    assert Status(record["status"]).final
    return Drop(bucket=stack.outputs["ReleasesBucket"], key=record["key"], version_id=record["version_id"])


def _event(drop: Drop) -> dict[str, Any]:
    """S3's event of a drop."""
    event: dict[str, Any] = json.loads((EVENTS / "drop-put.json").read_text())
    event["Records"][0]["s3"]["bucket"]["name"] = drop.bucket
    event["Records"][0]["s3"]["object"] |= {"key": drop.key, "versionId": drop.version_id, "sequencer": "00"}
    return event


def _executions(stack: Stack) -> list[str]:
    """Return every rollout that was ever begun, by its name: the release id."""
    pages = stack.lambda_.get_paginator("list_durable_executions_by_function")
    found = pages.paginate(FunctionName=stack.outputs["Rollout"], Qualifier="live")
    return [one["DurableExecutionName"] for page in found for one in page["DurableExecutions"]]


def _versions(stack: Stack) -> list[str]:
    found = stack.lambda_.list_versions_by_function(FunctionName=FUNCTION)["Versions"]
    return [one["Version"] for one in found]


def test_of_two_drops_in_quick_succession_the_newer_is_live_and_the_older_superseded(stack: Stack) -> None:
    older = stack.drop("nightly", {"lambda_function.py": serving("older")})
    newer = stack.drop("nightly", {"lambda_function.py": serving("newer")})
    with stack.callers():
        assert stack.ended(newer)["status"] == Status.LIVE
        assert stack.ended(older)["status"] == Status.SUPERSEDED
    assert stack.ask()[1] == "newer"
    assert stack.traffic[1] == {}


def test_a_rollout_killed_in_the_middle_of_a_bake_goes_on_where_it_was(stack: Stack) -> None:
    drop = stack.drop("3.0", manifest=CANARY)
    until(lambda: stack.record(drop).get("status") == Status.SHIFTING)
    stack.aws.kill(stack.outputs["Rollout"])
    with stack.callers():
        assert stack.ended(drop)["status"] == Status.LIVE
    assert stack.traffic[1] == {}
    assert stack.ask()[1] == "3.0"


def test_an_alarm_brings_all_traffic_back_before_the_next_look_and_with_one_write(stack: Stack) -> None:
    """Looks are more than two minutes apart, which is longer than this waits: only EventBridge is that fast."""
    stack.set_alarm("OK")
    drop = stack.drop("3.1", manifest=LONG)
    until(lambda: stack.record(drop).get("status") == Status.SHIFTING and stack.traffic[1])
    moves = len(stack.moves())
    stack.set_alarm("ALARM")
    until(lambda: not stack.traffic[1])
    assert len(stack.moves()) == moves + 1
    record = stack.ended(drop)
    assert (record["status"], record["reason"]) == (Status.ROLLED_BACK, f"alarm {FUNCTION}-errors is in ALARM")
    stack.set_alarm("OK")


def test_a_stopped_rollout_leaves_the_alias_whole_and_its_drop_in_a_queue_of_its_own(stack: Stack) -> None:
    drop = stack.drop("3.2", manifest=LONG)
    until(lambda: stack.record(drop).get("status") == Status.SHIFTING and stack.traffic[1])
    [execution] = stack.lambda_.list_durable_executions_by_function(
        FunctionName=stack.outputs["Rollout"], DurableExecutionName=drop.release_id
    )["DurableExecutions"]
    stack.lambda_.stop_durable_execution(DurableExecutionArn=execution["DurableExecutionArn"])
    record = stack.ended(drop)
    assert record["status"] == Status.FAILED
    assert "STOPPED" in record["reason"]
    assert stack.traffic[1] == {}
    [letter] = until(lambda: stack.letters("DeadRollouts"))
    assert letter["key"] == drop.key
    assert stack.letters("DeadLetters") == []


@pytest.mark.parametrize(
    ("release", "files", "words"),
    [
        ("no-handler", {"lambda_function.py": "x = 1\n"}, ["lambda_handler"]),
        (
            "bad-manifest",
            {"dropshift.toml": "[a]\n[rollout]\nbake = 1\n[resources]\nmemory = 1\n"},
            ["a", "bake", "128"],
        ),
    ],
)
def test_what_cannot_be_released_is_refused_with_every_reason(
    stack: Stack, release: str, files: dict[str, str], words: list[str]
) -> None:
    before = stack.traffic
    record = stack.ended(stack.drop(release, files))
    assert record["status"] == Status.REJECTED
    problems = json.dumps(record["problems"])
    assert [word for word in words if word not in problems] == [], problems
    assert stack.traffic == before


def test_a_corrupt_archive_is_refused(stack: Stack) -> None:
    bucket, key = stack.outputs["ReleasesBucket"], f"{APPLICATION}/corrupt.zip"
    put = stack.s3.put_object(Bucket=bucket, Key=key, Body=b"PK\x03\x04 and then nothing")
    drop = stack.drop("4.0", manifest=AT_ONCE)
    corrupt = drop.model_copy(update={"key": key, "version_id": put["VersionId"]})
    assert stack.ended(corrupt)["status"] == Status.REJECTED
    assert stack.ended(drop)["status"] == Status.LIVE


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        ({"action": "rollback", "application": "helo"}, "hello"),
        ({"action": "rollback", "application": "hello", "dryrun": True}, "dry_run"),
        ({"Records": []}, "S3 records"),
    ],
)
def test_bad_input_gets_an_answer_and_changes_nothing(stack: Stack, payload: dict[str, Any], word: str) -> None:
    before = len(stack.moves())
    assert word in json.dumps(stack.invoke(payload))
    assert len(stack.moves()) == before


def test_an_object_outside_the_layout_starts_nothing(stack: Stack) -> None:
    bucket = stack.outputs["ReleasesBucket"]
    stack.s3.put_object(Bucket=bucket, Key="orders/1.zip", Body=b"x")
    logged = until(lambda: [line for line in stack.aws.logs(stack.outputs["Controller"]) if "orders/1.zip" in line])
    assert "unknown application" in logged[0]
