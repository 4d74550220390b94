"""The next release copies what the last bundle has, whatever became of that: it is gone, or holds other bytes."""

import json
import random
import re
from datetime import timedelta
from typing import Any

import pytest

from bootstrap.pointer import VARIABLE, Pointer
from deployer.bundle.compress import STRONGEST
from deployer.bundle.recipe import Earlier
from deployer.model.status import Status
from tests.applications import contents
from tests.workflow.world import APPLICATION, NOW, World

_chance = random.Random(1)  # noqa: S311 - test data
LARGE = {f"data_{n}.bin": _chance.randbytes(700_000) for n in range(3)}
"""More than two megabytes after compression, which takes no time: worth a second bundle."""
LARGE["text.txt"] = _chance.randbytes(20_000).hex().encode() + bytes(1_000_000)
"""This is what a second bundle makes stronger."""


def files(release: str) -> dict[str, str | bytes]:
    return {**LARGE, "lambda_function.py": f"# {release}\n{APPLICATION}"}


def stored(world: World, key: str, version: str) -> bytes:
    body: bytes = world.s3.get_object(Bucket=world.settings.bundles_bucket, Key=key, VersionId=version)["Body"].read()
    return body


class Stored:
    """The bundle of the application's last version."""

    def __init__(self, world: World) -> None:
        self.pointer = Pointer.parse(world.configuration()["Environment"]["Variables"][VARIABLE])
        self.body = stored(world, self.pointer.key, self.pointer.version)

    @property
    def contents(self) -> dict[str, bytes]:
        return contents(self.body, self.pointer.offset, self.pointer.size)


def strong(body: bytes, offset: int, index_size: int) -> set[str]:
    """Return the digests of the frames that are as strong as can be."""
    earlier = Earlier.parse(body[offset:], index_size)
    assert earlier
    return {frame.sha256 for frame in earlier.frames.values() if frame.level == STRONGEST}


def newest(world: World) -> tuple[str, dict[str, Any]]:
    """Return where it is written which bundle was made last, and what is written there."""
    bucket = world.settings.bundles_bucket
    listed = world.s3.list_objects_v2(Bucket=bucket, Prefix=f"profiles/{world.application}/newest")["Contents"]
    key = listed[0]["Key"]
    return key, json.loads(world.s3.get_object(Bucket=bucket, Key=key)["Body"].read())


@pytest.fixture
def served(world: World) -> World:
    assert world.release("1.0", NOW, files=files("1.0"))["status"] == Status.LIVE
    return world


def test_the_second_release_copies_what_was_made_stronger_after_the_first_was_live(served: World) -> None:
    first, there = Stored(served), newest(served)[1]
    stronger = strong(stored(served, there["key"], there["version_id"]), there["offset"], there["index_size"])
    assert stronger - strong(first.body, first.pointer.offset, first.pointer.size)
    assert served.release("1.1", NOW, files=files("1.1"))["status"] == Status.LIVE
    second = Stored(served)
    assert len(stronger - strong(second.body, second.pointer.offset, second.pointer.size)) <= 1
    assert second.contents["lambda_function.py"].startswith(b"# 1.1\n")
    assert LARGE.items() <= second.contents.items()


def test_status_says_how_far_a_bundle_is(world: World) -> None:
    seen = []
    world.before_call(
        "CreateMultipartUpload", lambda: world.account.pass_time(world.account.now + timedelta(seconds=9))
    )
    world.before_call("UploadPart", lambda: seen.append(world.command("status")))
    assert world.release("1.0", NOW, files=files("1.0"))["status"] == Status.LIVE
    assert re.search(r"is being bundled \(\d+ % of 3 MB\)", str(seen)), seen


def test_a_bundle_that_was_pruned_meanwhile_is_made_anew(served: World) -> None:
    _, there = newest(served)
    bucket = served.settings.bundles_bucket
    served.before_call(
        "CreateMultipartUpload",
        lambda: served.s3.delete_object(Bucket=bucket, Key=there["key"], VersionId=there["version_id"]),
    )
    assert served.release("1.1", NOW, files=files("1.1"))["status"] == Status.LIVE
    assert Stored(served).contents["lambda_function.py"].startswith(b"# 1.1\n")
    assert newest(served)[1]["version_id"] != there["version_id"]


def test_a_frame_with_other_bytes_than_its_digest_is_made_anew(served: World) -> None:
    key, there = newest(served)
    bucket = served.settings.bundles_bucket
    body = bytearray(stored(served, there["key"], there["version_id"]))
    body[there["offset"] // 2] ^= 1
    version = served.s3.put_object(Bucket=bucket, Key=there["key"], Body=bytes(body))["VersionId"]
    served.s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({**there, "version_id": version}).encode())
    assert served.release("1.1", NOW, files=files("1.1"))["status"] == Status.LIVE
    second = Stored(served)
    assert LARGE.items() <= second.contents.items()


@pytest.mark.parametrize(
    "damage", [{"key": "bundles/other/x-python3.13-3.tar.zst"}, {"tail_sha256": "0" * 64}, {"size": -1}]
)
def test_what_is_written_of_the_newest_bundle_is_believed_only_as_far_as_it_may_be_true(
    served: World, damage: dict[str, Any]
) -> None:
    key, there = newest(served)
    served.s3.put_object(Bucket=served.settings.bundles_bucket, Key=key, Body=json.dumps({**there, **damage}).encode())
    assert served.release("1.1", NOW, files=files("1.1"))["status"] == Status.LIVE
    assert Stored(served).contents["lambda_function.py"].startswith(b"# 1.1\n")


def test_prune_leaves_the_bundle_that_the_next_release_copies_from(served: World) -> None:
    _, there = newest(served)
    assert served.release("1.1", NOW, files=files("1.1"))["status"] == Status.LIVE
    served.command("prune", keep=1)
    _, kept = newest(served)
    assert served.s3.head_object(Bucket=served.settings.bundles_bucket, Key=kept["key"], VersionId=kept["version_id"])
    assert there["version_id"] != kept["version_id"]
