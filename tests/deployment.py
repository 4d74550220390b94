"""The common part of the tests' worlds: Dropshift as people use it, in memory or on the local AWS.

Each world shows more of itself to its own tests. Here is one story that must go the same way in all of them.
"""

import io
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

from deployer.model.alias import ADMINISTRATION, needs_administration
from deployer.model.drop import Drop
from deployer.model.status import Status
from tests.local.waiting import until

APPLICATION = "hello"
AT_ONCE = '[rollout]\nstrategy = "all-at-once"\n'


def zipped(files: Mapping[str, str | bytes], *executable: str) -> bytes:
    """Make an archive of some files: the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 1)
    return buffer.getvalue()


class Deployment(Protocol):
    """An application under Dropshift."""

    def release(self, name: str, manifest: str = "") -> Mapping[str, Any]:
        """Drop a release and wait until it has ended; one whose name holds "broken" does not start."""

    def command(self, action: str, **fields: object) -> Mapping[str, Any]:
        """Invoke the controller by hand."""

    @property
    def shares(self) -> Mapping[str, int]:
        """Percent of the traffic by version."""


class Deployed(ABC):
    """A stack and the application hello, in an account or on the local AWS, used as people use it."""

    outputs: dict[str, str]
    how: ClassVar[Mapping[str, str]] = {}
    """The parameters of Invoke that come with every command."""

    @abstractmethod
    def client(self, service: str) -> Any:  # noqa: ANN401 - one client class a service
        """A boto3 client."""

    @property
    def function(self) -> str:
        """The application's function."""
        return self.outputs["FunctionPrefix"] + APPLICATION

    def command(self, action: str, **fields: object) -> dict[str, Any]:
        """Invoke the controller by hand, through the alias that the command needs."""
        beyond = needs_administration(action, force=bool(fields.get("force")))
        payload = {"action": action, "application": APPLICATION, **fields}
        return self.invoke(payload, ADMINISTRATION if beyond else str(payload["application"]), **self.how)

    def invoke(self, payload: object, alias: str = "", **how: Any) -> dict[str, Any]:  # noqa: ANN401 - as Invoke takes
        """Invoke the controller with whatever a test thinks of; it must not fail."""
        through = how | ({"Qualifier": alias} if alias else {})
        function, body = self.outputs["Controller"], json.dumps(payload).encode()
        answer = self.client("lambda").invoke(FunctionName=function, Payload=body, **through)
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, found
        return found

    def record(self, drop: Drop) -> dict[str, Any]:
        """Return the record of a release; empty before the rollout writes it.

        A test asks many times a second, so it reads the record itself: a command would read every record each time.
        """
        s3, key = self.client("s3"), f"records/{drop.application}/{drop.release_id}.json"
        try:
            body = s3.get_object(Bucket=self.outputs["BundlesBucket"], Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return {}
        found: dict[str, Any] = json.loads(body)
        return found

    def ended(self, drop: Drop, seconds: float = 240) -> dict[str, Any]:
        """Wait until a release has ended; return its record."""

        def there() -> dict[str, Any]:
            record = self.record(drop)
            return record if record and Status(record["status"]).final else {}

        return until(there, seconds)

    def ask(self, payload: str = "{}") -> tuple[str, Any]:
        """Call the alias; return the version that answered and its answer."""
        answer = self.client("lambda").invoke(FunctionName=self.function, Qualifier="live", Payload=payload)
        return answer["ExecutedVersion"], json.loads(answer["Payload"].read())

    @property
    def traffic(self) -> tuple[str, dict[str, float]]:
        """The alias: the stable version and the weights of others."""
        alias = self.client("lambda").get_alias(FunctionName=self.function, Name="live")
        return alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})

    @property
    def shares(self) -> dict[str, int]:
        """Percent of the traffic by version."""
        stable, weights = self.traffic
        others = {version: round(100 * weight) for version, weight in weights.items()}
        return {stable: 100 - sum(others.values()), **others}


def story(deployment: Deployment) -> Iterator[str]:
    """Release one after the other, go back twice, and return how each ended; traffic is never left split."""
    for name in ("story-1", "story-2-broken", "story-3"):
        yield str(deployment.release(name, AT_ONCE)["status"])
        assert list(deployment.shares.values()) == [100]
    for _ in range(2):
        yield str(deployment.command("rollback")["answer"]).partition(" (")[0].partition(":")[0]
        assert list(deployment.shares.values()) == [100]
    yield str(deployment.command("status")["traffic"][0]["release"])


TOLD = ["live", "failed", "live", "rolled back from story-3", "nothing to do", "story-1"]
