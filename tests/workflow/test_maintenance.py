"""Validate, redeploy and prune."""

from typing import Any

import pytest

from deployer.model.drop import Drop
from deployer.model.status import Status
from tests.workflow.world import CANARY, NOW, World


@pytest.fixture
def served(world: World) -> World:
    """An application with a live release, version 2, which goes live at once when it is rolled out again."""
    assert world.release("1.0", NOW)["status"] == Status.LIVE
    return world


def test_validate_shows_the_plan_and_changes_nothing(served: World) -> None:
    drop = served.drop("1.1", CANARY)
    served.calls.clear()
    answer = served.command("validate", key=drop.key)
    assert answer["answer"] == "1.1 would be accepted"
    assert answer["plan"] == "10 % for 5m, 50 % for 5m"
    assert answer["manifest"]["rollout"]["minimum-invocations"] == 10
    assert len(answer["sha256"]) == 64
    changing = ("Put", "Update", "Publish", "Create", "Delete")
    assert [call for call in served.calls if call.startswith(changing)] == []


def test_validate_shows_no_value_of_the_smoke_test(served: World) -> None:
    smoke = '[smoke]\nevent = { token = "s3cret" }\nexpect = { token = "s3cret" }\n'
    answer = served.command("validate", key=served.drop("1.1", f"{NOW}{smoke}").key)
    assert answer["plan"] == "all at once"
    assert "manifest" in answer
    assert "s3cret" not in str(answer)


def test_validate_says_of_what_was_never_dropped_what_to_do(served: World) -> None:
    [problem] = served.command("validate", key=f"{served.application}/gone.zip")["problems"]
    said = {"where": "key", "found": "no such object", "remedy": "drop it first"}
    assert problem == problem | said | {"allowed": "an object in the releases bucket"}


@pytest.mark.parametrize(
    ("files", "word"), [({"main.py": ""}, "lambda_function"), ({"dropshift.toml": "schema = 2"}, "schema")]
)
def test_validate_lists_every_reason_for_a_refusal(served: World, files: dict[str, str], word: str) -> None:
    drop = served.drop("1.1", files=files)
    answer = served.command("validate", key=drop.key)
    assert answer["answer"] == "1.1 would be rejected"
    assert word in str(answer["problems"])


@pytest.mark.parametrize("key", ["other/1.zip", "1.zip", "app/1.exe"])
def test_validate_refuses_a_key_that_is_no_release_of_the_application(served: World, key: str) -> None:
    assert "refused" in served.command("validate", key=key)["answer"]


def redeployed(world: World, answer: dict[str, Any]) -> str:
    """Run the rollout that a redeploy ordered; return its status."""
    drop = Drop.model_validate_json(world.ordered[-1])
    assert drop.release_id == answer["id"]
    return world.roll_out(drop)["status"]


def test_redeploy_takes_an_earlier_drop_through_every_step_again(served: World) -> None:
    assert served.release("1.1", NOW)["status"] == Status.LIVE
    answer = served.command("redeploy", release="1.0")
    assert redeployed(served, answer) == Status.LIVE
    assert served.alias.stable == "4"
    assert served.command("status")["traffic"][0]["release"] == "1.0"


def test_a_release_whose_key_was_dropped_again_is_released_again_with_its_own_bytes(world: World) -> None:
    first = world.drop("1.0", NOW)
    assert world.roll_out(first)["status"] == Status.LIVE
    second = world.drop("1.0", f"{NOW}# other bytes under the same key\n")
    assert world.roll_out(second)["status"] == Status.LIVE
    assert redeployed(world, world.command("redeploy", release=first.release_id)) == Status.LIVE
    again = world.record(first.model_copy(update={"attempt": 1}))
    digests = [world.record(one).archive_sha256 for one in (first, second)]
    assert digests[0] != digests[1]
    assert again.archive_sha256 == digests[0]


def test_a_redeploy_that_is_repeated_means_the_same_release_until_it_has_ended(served: World) -> None:
    served.release("1.1", NOW)
    first, second = (served.command("redeploy", release="1.0")["id"] for _ in range(2))
    assert first == second
    redeployed(served, {"id": first})
    nothing = "nothing to do: 1.0 (version 4) is live with this archive"
    assert served.command("redeploy", release="1.0")["answer"] == nothing


def test_attempts_are_numbered_one_after_the_other(served: World) -> None:
    first = served.command("history", limit=1)["releases"][0]["release_id"]
    for number in (1, 2, 3):
        served.release(f"1.{number}", NOW)
        redeployed(served, served.command("redeploy", release=first))
    assert [Drop.model_validate_json(one).attempt for one in served.ordered if '"attempt":0' not in one] == [1, 2, 3]


def test_prune_keeps_what_an_alias_or_previous_names_and_deletes_the_rest(served: World) -> None:
    for name in ("1.1", "1.2", "1.3"):
        assert served.release(name, NOW)["status"] == Status.LIVE
    answer = served.command("prune", keep=1)
    assert answer["versions"] == ["2", "3"]
    assert served.versions == ["1", "4", "5"]
    assert served.command("rollback")["version"] == "4"
    assert served.command("status")["traffic"][0]["bundle"] == "present"
    assert "refused" in served.command("rollback", to="1.0")["answer"]


def test_prune_deletes_bundles_that_no_version_points_at_and_no_others(served: World) -> None:
    for name in ("1.1", "1.2"):
        served.release(name, NOW)
    before = stored(served)
    served.command("prune", keep=2)
    assert len(before) - len(stored(served)) == 2  # the bundle of 1.0 and its description
    served.command("prune", keep=2)
    assert served.command("rollback", to="1.1")["version"] == "3"


def stored(world: World) -> list[str]:
    """The keys of all bundles and descriptions."""
    found = world.s3.list_object_versions(Bucket=world.settings.bundles_bucket, Prefix=f"bundles/{world.application}/")
    return [one["Key"] for one in found.get("Versions", [])]


def test_prune_lists_when_dry_and_deletes_the_locations_of_bundles_before_the_bundles(served: World) -> None:
    for name in ("1.1", "1.2"):
        served.release(name, NOW)
    there = (served.versions, stored(served))
    dry = served.command("prune", keep=1, dry_run=True)
    assert (dry["versions"], len(dry["bundles"])) == (["2"], 2)
    assert (served.versions, stored(served)) == there
    before = len(served.account.calls)
    answer = served.command("prune", keep=1)
    calls = [
        call for call in served.account.calls[before:] if call.operation in ("DeleteObject", "ListVersionsByFunction")
    ]
    deleted = [call.params.get("Key", "versions are read again") for call in calls[1:]]
    assert [key.rpartition(".")[2] for key in deleted] == ["json", "versions are read again", "zst"]
    assert answer["answer"].startswith("deleted 1.0 (version 2) and 0.0 MB of bundles, kept 2")


def test_the_name_of_a_pruned_release_is_shown_as_it_is(served: World) -> None:
    for name in ("delete me, keep it", "1.2", "1.3"):
        served.release(name, NOW)
    words = "deleted 1.0 (version 2), delete me, keep it (version 3) and 0.0 MB of bundles, kept 2"
    assert served.command("prune", keep=1)["answer"] == words


def test_prune_spares_the_newest_bundle_although_its_release_failed(served: World) -> None:
    """The next release copies from it."""
    broken = served.drop("1.1-broken", NOW)
    assert served.roll_out(broken)["status"] == Status.FAILED
    before = stored(served)
    answer = served.command("prune", keep=1)
    assert (answer["versions"], answer["bundles"]) == (["3"], [])
    assert stored(served) == before
