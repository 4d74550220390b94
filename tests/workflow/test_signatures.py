"""With a signing key configured, only what that key signed is released."""

import pytest

from deployer.model.drop import SIGNATURE_SUFFIX
from deployer.model.status import Status
from tests.signing import Signer
from tests.workflow.test_endings import FILES
from tests.workflow.world import World, packed

ARCHIVE = packed(FILES)


@pytest.fixture
def signer(world: World) -> Signer:
    """The key that the deployer trusts."""
    made = Signer(world.people.client("kms"))
    world.trust(made.arn)
    return made


def test_a_signed_drop_is_released(world: World, signer: Signer) -> None:
    drop = world.drop("1.0", body=ARCHIVE, signature=signer.sign(ARCHIVE))
    assert world.roll_out(drop)["status"] == Status.LIVE


def test_a_signature_beside_the_archive_will_do(world: World, signer: Signer) -> None:
    drop = world.drop("1.0", body=ARCHIVE)
    beside = drop.key + SIGNATURE_SUFFIX
    world.s3.put_object(Bucket=drop.bucket, Key=beside, Body=signer.sign(ARCHIVE).encode() + b"\n")
    assert world.roll_out(drop)["status"] == Status.LIVE


@pytest.mark.parametrize("case", ["unsigned", "not base64", "other bytes", "other key"])
def test_a_drop_that_the_key_did_not_sign_is_refused_and_changes_nothing(
    world: World, signer: Signer, case: str
) -> None:
    signatures = {
        "unsigned": "",
        "not base64": "%%%",
        "other bytes": signer.sign(b"something else"),
        "other key": Signer(world.people.client("kms")).sign(ARCHIVE),
    }
    before = (world.alias, world.versions)
    drop = world.drop("1.0", body=ARCHIVE, signature=signatures[case])
    ended = world.roll_out(drop)
    assert ended["status"] == Status.REJECTED
    assert "sign" in ended["reason"]
    assert (world.alias, world.versions) == before
    assert world.command("validate", key=drop.key)["answer"] == "1.0 would be rejected"
