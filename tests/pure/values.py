"""Values that many tests begin with."""

from datetime import UTC, datetime
from typing import Any

from bootstrap.pointer import Pointer
from deployer.model.alias import Alias
from deployer.model.drop import Drop, VersionDescription
from deployer.model.function import FunctionSizes
from deployer.model.version import LatestConfiguration
from deployer.settings import Settings

type Client = Any
"""A client of boto3's, which has no class to name."""
POINTER = Pointer(
    *("bundles", "bundles/hello/ab.tar.zst", "v1", 0, 1, "0" * 64, "python", "app.handler", ()),
    *("1.4.0", "0" * 32, "123456789012", 1),
)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
APPLICATIONS = frozenset({"hello", "orders"})
SETTINGS = Settings(
    function_prefix="dropshift-app-",
    releases_bucket="dropshift-releases-123456789012",
    bundles_bucket="dropshift-bundles-123456789012",
    account_id="123456789012",
    rollout_function="arn:aws:lambda:eu-central-1:123456789012:function:dropshift-rollout:live",
)
LATEST = LatestConfiguration(
    revision="r1",
    code_sha256="code",
    environment={"A": "b"},
    environment_error="",
    updating=False,
    sizes=FunctionSizes(memory=512, timeout=30, ephemeral_storage=1_024),
)


def drop(key: str = "hello/1.4.0.zip", version_id: str = "v1", sequencer: str = "") -> Drop:
    """Make a drop in the releases bucket."""
    return Drop(bucket=SETTINGS.releases_bucket, key=key, version_id=version_id, sequencer=sequencer)


def dropped(release_id: str, second: int = 0, sequencer: str = "", key: str = "hello/1.4.0.zip") -> VersionDescription:
    """Describe a release that was dropped some seconds after noon."""
    found = VersionDescription.of(drop(key, sequencer=sequencer), NOON.replace(second=second))
    return found.model_copy(update={"release_id": release_id})


def untouched(stable: str = "1") -> Alias:
    """Make an alias that nobody has moved since the stack created it."""
    return Alias(name="live", stable=stable, revision="r1")
