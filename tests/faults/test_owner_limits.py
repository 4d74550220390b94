"""The owner pays for a manifest's resources: they are refused above the owner's limits, and shown."""

from collections.abc import Mapping

import pytest

from deployer.model.price import PRICES, per_hour
from tests.faults.flows import WARM, prepared, two_live
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited, settings
from tests.faults.world import World

DEFAULTS = {"max_memory": 10_240, "max_timeout": 900, "max_provisioned_concurrency": 0}
GREEDY = "[resources]\nmemory = 10240\ntimeout = 900\nprovisioned-concurrency = 900\n"
CONCURRENCY = "resources.provisioned-concurrency"


def released(limits: Mapping[str, int], manifest: str) -> World:
    """Release the first archive of an application in a stack with these limits."""
    with inhabited(World(settings().model_copy(update=dict(limits)))) as world:
        world.released("1.0", manifest)
    return world


@pytest.mark.parametrize(
    ("limits", "manifest", "refused"),
    [
        (DEFAULTS, GREEDY, {CONCURRENCY: ("900", "none in this stack")}),
        (DEFAULTS, WARM, {CONCURRENCY: ("2", "none in this stack")}),
        (DEFAULTS | {"max_provisioned_concurrency": 1}, WARM, {CONCURRENCY: ("2", "at most 1")}),
        (
            {"max_memory": 2_048, "max_timeout": 60, "max_provisioned_concurrency": 899},
            GREEDY,
            {
                "resources.memory": ("10240 MB", "at most 2048 MB"),
                "resources.timeout": ("900 s", "at most 60 s"),
                CONCURRENCY: ("900", "at most 899"),
            },
        ),
    ],
)
def test_more_than_the_owner_allows_is_refused_all_at_once_and_changes_nothing(
    limits: Mapping[str, int], manifest: str, refused: Mapping[str, tuple[str, str]]
) -> None:
    world = released(limits, manifest)
    record = world.recorded()
    assert record.status == "rejected"
    found = {problem.where.removeprefix("dropshift.toml: "): problem for problem in record.problems}
    assert found.keys() == refused.keys()
    for field, (asked, allowed) in refused.items():
        assert found[field].found == asked
        assert found[field].allowed.startswith(allowed)
        parameter = {"m": "MaxMemory", "t": "MaxTimeout", "p": "MaxProvisionedConcurrency"}[field[10]]
        assert f'PARAMETERS="{parameter}={asked.split()[0]}"' in found[field].remedy
    assert violations(world) == []


def test_as_much_as_the_owner_allows_goes_live() -> None:
    limits = {"max_memory": 10_240, "max_timeout": 900, "max_provisioned_concurrency": 900}
    assert released(limits, GREEDY).recorded().status == "live"


def test_validate_refuses_what_the_rollout_would() -> None:
    with inhabited(released(DEFAULTS, WARM)) as world:
        answer = world.command("validate", key="orders/1.0.zip")
    assert "MaxProvisionedConcurrency" in "\n".join(answer["report"])


def test_a_rollback_provisions_no_more_than_the_owner_allows_by_now(world: World) -> None:
    for name in ("1.1", "1.2"):
        world.released(name, WARM)
    world.settings = world.settings.model_copy(update={"max_provisioned_concurrency": 1})
    with inhabited(world):
        answer = world.command("rollback")
    assert answer["answer"].startswith("rolled back")
    assert "the stack allows 1 now" in answer["warning"][0]
    assert world.account.lambda_.functions["dropshift-app-orders"].provisioned == {}
    assert violations(world) == []


# --- what is provisioned, and what it costs -------------------------------------------------------------------------


def test_status_says_what_is_kept_ready_and_what_it_costs_an_hour() -> None:
    world = prepared(two_live)
    world.settings = world.settings.model_copy(update={"max_provisioned_concurrency": 2})
    with inhabited(world):
        world.released("1.2", f"{WARM}memory = 2048\n")
        answer = world.command("status")
    (warm,) = answer["provisioned"]
    assert (warm["version"], warm["environments"], warm["status"]) == ("4", 2, "READY")
    assert warm["dollars_per_hour"] == pytest.approx(2 * 2 * 0.0000041667 * 3_600)
    assert (
        "1.2 (version 4) keeps 2 environments ready (READY), about $0.06 an hour"
        " (estimate: list price of us-east-1, November 2026)" in answer["answer"]
    )


def test_what_the_greediest_manifest_would_cost_is_what_a_review_found() -> None:
    """900 environments of 10,240 MB: about 97,000 dollars in a month of 30 days."""
    assert per_hour(900, 10_240, "x86_64") * 24 * 30 == pytest.approx(97_200, rel=0.01)
    assert PRICES["arm64"] < PRICES["x86_64"]
