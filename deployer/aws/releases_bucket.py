"""S3: the releases bucket, where publishers drop archives and their signatures."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from deployer.aws.s3 import PART, head_object, read_range
from deployer.model.drop import FORCE, SIGNATURE, SIGNATURE_SUFFIX, Drop
from deployer.model.value import Value
from deployer.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AHEAD = 2
_SIGNATURE_SIZE = "bytes=0-1023"
"""The range that is read of a signature; one of P-256 has about a hundred characters."""


class Head(Value):
    """The metadata of one object version."""

    size: int
    modified: datetime
    force: bool
    signature: str | None


class ReleasesBucket:
    """Dropped archives and the signatures beside them; they are read, never written."""

    def __init__(self, client: "S3Client", settings: Settings) -> None:
        self._client = client
        self._bucket = settings.releases_bucket

    def latest(self, key: str) -> Drop | None:
        """Find the newest version of an object; None when there is none."""
        found = head_object(self._client, Bucket=self._bucket, Key=key)
        return Drop(bucket=self._bucket, key=key, version_id=found["VersionId"]) if found else None

    def head(self, drop: Drop) -> Head | None:
        """Read a dropped object version's metadata; None when there is no such version, whatever the event claimed."""
        found = head_object(self._client, Bucket=drop.bucket, Key=drop.key, VersionId=drop.version_id)
        if found is None:
            return None
        metadata = found.get("Metadata", {})
        return Head(
            size=found["ContentLength"],
            modified=found["LastModified"],
            force=metadata.get(FORCE, "").lower() == "true",
            signature=metadata.get(SIGNATURE),
        )

    def signature_beside(self, drop: Drop) -> str | None:
        """Read the signature that lies beside a drop; None when there is none."""
        try:
            found = self._client.get_object(Bucket=drop.bucket, Key=drop.key + SIGNATURE_SUFFIX, Range=_SIGNATURE_SIZE)
        except self._client.exceptions.NoSuchKey:
            return None
        return found["Body"].read().decode(errors="replace")

    def archive(self, drop: Drop, size: int) -> "DroppedArchive":
        """Open a dropped archive for reading."""
        return DroppedArchive(self._client, drop, size)


class DroppedArchive:
    """A dropped object version as a seekable source, which returns the same bytes at every reading."""

    def __init__(self, client: "S3Client", drop: Drop, size: int) -> None:
        self._client = client
        self._drop = drop
        self.size = size
        self.name = drop.key

    def read_at(self, offset: int, length: int) -> bytes:
        """Read a range; a body that is cut short is requested again."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        drop = self._drop
        return read_range(
            self._client,
            (offset, length),
            Bucket=drop.bucket,
            Key=drop.key,
            VersionId=drop.version_id,
        )

    def stream(self) -> Iterator[bytes]:
        """Read everything in order, two parts ahead of the reader."""
        with ThreadPoolExecutor(_AHEAD) as pool:
            coming: list[Future[bytes]] = []
            for offset in range(0, self.size, PART):
                coming.append(pool.submit(self.read_at, offset, PART))
                if len(coming) > _AHEAD:
                    yield coming.pop(0).result()
            for part in coming:
                yield part.result()
