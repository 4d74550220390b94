"""From a dropped archive to live and back, in an account with `--live`, else on the local AWS. In this order."""

import math
from pathlib import Path

import pytest

from deployer.model.status import Status
from tests.deployment import AT_ONCE
from tests.live.account import Local
from tests.live.stack import NAME, Delivered, packed

pytestmark = pytest.mark.timeout(3600)
SHARE = 0.3
STAGES = f'[rollout]\nstages = [{{ weight = {SHARE * 100:g}, bake = "3m" }}]\ninconclusive = "promote"\n'
HELD = '[rollout]\nstages = [{ weight = 10, bake = "1d" }]\n'
CALLS = 200


def test_before_the_first_drop_every_call_says_what_to_do(stack: Delivered) -> None:
    _, answer = stack.ask()
    assert answer["errorType"] == "Dropshift.NoRelease"
    assert stack.outputs["ReleasesBucket"] in answer["errorMessage"]


def test_a_small_release_becomes_live(stack: Delivered, tmp_path: Path) -> None:
    stack.reaches(stack.drop("small", packed(tmp_path, "small")), Status.LIVE)
    assert stack.ask()[1]["release"] == "small"


def test_a_large_release_becomes_live_with_every_byte(stack: Delivered, tmp_path: Path, large: int) -> None:
    drop = stack.drop("large", packed(tmp_path, "large", AT_ONCE, large))
    stack.reaches(drop, Status.LIVE, minutes=25)
    _, answer = stack.ask()
    assert (answer["release"], answer["size"] >= large) == ("large", True)


def test_traffic_is_shared_as_the_stage_says(stack: Delivered, tmp_path: Path) -> None:
    drop = stack.drop("staged", packed(tmp_path, "staged", STAGES))
    stack.reaches(drop, Status.SHIFTING)
    stable, weights = stack.traffic
    (canary,) = weights
    counts = stack.ask_often(CALLS)
    assert set(counts) == {stable, canary}
    assert abs(counts[canary] / CALLS - SHARE) < 4.5 * math.sqrt(SHARE * (1 - SHARE) / CALLS)
    stack.reaches(drop, Status.LIVE)
    assert stack.ask()[1]["release"] == "staged"


def test_a_rollback_brings_back_the_code(stack: Delivered) -> None:
    assert stack.command("rollback", reason="a live test")["answer"].startswith("rolled back")
    assert stack.ask()[1]["release"] == "large"
    assert stack.traffic[1] == {}
    assert f"a live test, said by {NAME}" in "\n".join(stack.command("history")["answer"])


def test_a_command_without_the_alias_of_its_application_is_refused(stack: Delivered) -> None:
    """The context has the ARN that was invoked: without it, one grant would allow all commands."""
    before = stack.traffic
    for payload, alias in (
        ({"action": "rollback", "application": "hello"}, ""),
        ({"action": "prune", "application": "hello"}, "hello"),
        ({"Records": []}, "administration"),
    ):
        assert stack.invoke(payload, alias)["answer"].startswith("refused")
    assert stack.traffic == before


def test_prune_deletes_versions_and_bundles_and_leaves_the_function(stack: Delivered, tmp_path: Path) -> None:
    stack.reaches(stack.drop("last", packed(tmp_path, "last", AT_ONCE)), Status.LIVE)
    pruned = stack.command("prune", keep=1)
    assert pruned["versions"]
    assert stack.ask()[1]["release"] == "last"
    assert stack.command("status")["traffic"][0]["bundle"] == "present"
    listed = stack.account.client("lambda").list_versions_by_function(FunctionName=stack.function)["Versions"]
    assert not {version["Version"] for version in listed} & set(pruned["versions"])


def test_every_move_of_the_alias_said_what_it_believed(stack: Delivered) -> None:
    if not isinstance(stack.account, Local):
        pytest.skip("an account tells of its calls by CloudTrail alone, if it keeps one")
    moves = [call for call in stack.account.aws.calls() if call.action == "UpdateAlias"]
    assert moves
    assert not [call for call in moves if not call.parameters.get("RevisionId")]


def test_a_release_that_is_held_does_not_keep_the_stack_from_being_removed(stack: Delivered, tmp_path: Path) -> None:
    """The fixture removes the stack after this, while the release's execution sleeps."""
    stack.reaches(stack.drop("held", packed(tmp_path, "held", HELD)), Status.SHIFTING)
    assert stack.command("pause")["answer"]
