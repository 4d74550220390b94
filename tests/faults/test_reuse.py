"""The flows in which a release copies frames do copy them, or find them gone or damaged, before anything goes wrong."""

from collections.abc import Sequence

import pytest

from tests.faults.account import BUNDLES, Call
from tests.faults.flows import FLOWS, Flow
from tests.faults.matrix import course

COPIED = 2
"""Frames that the two releases have in common."""


def flow(name: str) -> Flow:
    [found] = [one for one in FLOWS if one.name == name]
    return found


def made(name: str) -> list[str]:
    """Return the calls about bundles until the release has one: reads of ranges by their outcome, and uploads."""
    calls = course(flow(name)).end.account.calls
    about = [call for call in calls if str(call.params.get("Key", "")).endswith(".tar.zst") and _tells(call)]
    begins = [place for place, call in enumerate(about) if call.operation == "CompleteMultipartUpload"]
    return [_named(call) for call in about[: begins[0]]]


def _tells(call: Call) -> bool:
    return call.params.get("Bucket") == BUNDLES and call.operation != "HeadObject"


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
    assert made(name) == calls
