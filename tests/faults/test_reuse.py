"""The flows in which a release copies frames do copy them, or find them gone or damaged, before anything goes wrong."""

from collections.abc import Callable, Sequence

import pytest

from bootstrap.index import SCHEMA
from deployer.model.status import Status
from deployer.rollout.steps import bundling
from tests.faults.account import BUNDLES, Call
from tests.faults.flows import SAME_FILES, named, prepared, shared_live
from tests.faults.matrix import course
from tests.faults.wiring import inhabited
from tests.faults.world import World

COPIED = 2
"""Frames that the two releases have in common."""


def made(world: World) -> list[str]:
    """Return the calls about bundles until the release has one: reads of ranges by their outcome, and uploads."""
    calls = world.account.calls
    until = next(place for place, call in enumerate(calls) if call.operation == "CompleteMultipartUpload")
    return [_named(call) for call in calls[:until] if _is_about_bundle(call)]


def _is_about_bundle(call: Call) -> bool:
    is_bundle = call.params.get("Bucket") == BUNDLES and str(call.params.get("Key", "")).endswith(".tar.zst")
    return is_bundle and call.operation != "HeadObject"


def _named(call: Call) -> str:
    return f"read, {call.outcome}" if "Range" in call.params else call.operation


BEGUN, SENT, DONE, GONE = "CreateMultipartUpload", "UploadPart", "read, done", "read, NoSuchVersion"


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("release that copies", [DONE, BEGUN, *COPIED * [DONE], SENT]),
        ("release after its source was pruned", [GONE, BEGUN, SENT]),
        ("release after its source was damaged", [DONE, BEGUN, *COPIED * [DONE], "AbortMultipartUpload", BEGUN, SENT]),
        ("source pruned meanwhile", [DONE, BEGUN, *COPIED * [GONE], "AbortMultipartUpload", BEGUN, SENT]),
    ],
)
def test_a_flow_reads_the_frames_that_two_releases_share(name: str, calls: Sequence[str]) -> None:
    assert made(course(named(name)).end) == calls


def another_application(world: World, _patch: pytest.MonkeyPatch) -> None:
    world.applications = ("bills",)
    world.account.lambda_.create(world.settings.function("bills"), world.settings.alias)


def another_runtime(world: World, _patch: pytest.MonkeyPatch) -> None:
    world.account.lambda_.functions[world.settings.function("orders")].config["Runtime"] = "python3.12"


def another_schema(_world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bundling, "SCHEMA", SCHEMA + 1)


def nothing_else(_world: World, _patch: pytest.MonkeyPatch) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "copied"), [(nothing_else, COPIED), (another_application, 0), (another_runtime, 0), (another_schema, 0)]
)
def test_no_frame_is_taken_from_a_bundle_of_another_application_runtime_or_schema(
    change: Callable[[World, pytest.MonkeyPatch], None], copied: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inhabited(prepared(shared_live)) as world:
        change(world, monkeypatch)
        assert world.released("1.1", files=SAME_FILES).status is Status.LIVE
    assert made(world).count(DONE) == (copied + 1 if copied else 0), "the index, and each frame"
