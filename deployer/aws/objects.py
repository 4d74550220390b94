"""S3: dropped archives, bundles, and what is known of them."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Self

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from deployer.model.drop import FORCE, SIGNATURE, SIGNATURE_SUFFIX, Drop
from deployer.model.profile import Profile
from deployer.model.release import Bundle
from deployer.model.value import Value
from deployer.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART = 16 << 20
"""Bytes asked for, and sent, at once: 10,000 parts of this size make an object of 156 GiB."""
_TRIES = 4
_CUT_SHORT = (ResponseStreamingError, IncompleteReadError, ReadTimeoutError, ConnectionClosedError)
_AHEAD = 2
_SIGNATURE_SIZE = "bytes=0-1023"
"""As much as is read of a signature: one of P-256 has about a hundred characters."""
_NOT_THERE = ("404", "NoSuchKey", "NoSuchVersion", "405", "400")
"""How a HEAD says that there is no such version: 405 for a delete marker, 400 for an id that cannot be one."""


class Head(Value):
    """What S3 says of an object version."""

    size: int
    modified: datetime
    force: bool
    signature: str | None


class Stored(Value):
    """One object version in the bundles bucket."""

    key: str
    version_id: str
    size: int


class Objects:
    """Archives in the releases bucket, bundles in the bundles bucket."""

    def __init__(self, client: "S3Client", settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def head(self, drop: Drop) -> Head | None:
        """Look at a dropped object version; None when there is none. The event was only a hint."""
        try:
            found = self._client.head_object(
                Bucket=drop.bucket,
                Key=drop.key,
                VersionId=drop.version_id,
                ExpectedBucketOwner=self._settings.account_id,
            )
        except ClientError as error:
            if _code(error) in _NOT_THERE:
                return None
            raise
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
        return DroppedArchive(self._client, drop, size, self._settings.account_id)

    def bundle(self, key: str) -> Bundle | None:
        """Return the bundle that was made under this key, if it was and its object version still exists."""
        try:
            body = self._client.get_object(Bucket=self._settings.bundles_bucket, Key=_about(key))["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        bundle = Bundle.model_validate_json(body)
        return bundle if self.intact(bundle.key, bundle.version_id, bundle.size) else None

    def describe(self, bundle: Bundle) -> None:
        """Write down where a bundle is, so that the same archive is never built twice."""
        self._client.put_object(
            Bucket=self._settings.bundles_bucket, Key=_about(bundle.key), Body=bundle.model_dump_json().encode()
        )

    def intact(self, key: str, version_id: str, size: int | None = None) -> bool:
        """Whether a bundle's object version is still there, with its size."""
        try:
            found = self._client.head_object(
                Bucket=self._settings.bundles_bucket,
                Key=key,
                VersionId=version_id,
                ExpectedBucketOwner=self._settings.account_id,
            )
        except ClientError as error:
            if _code(error) in _NOT_THERE:
                return False
            raise
        return size is None or found["ContentLength"] == size

    def latest(self, key: str) -> Drop | None:
        """Find the newest version of an object in the releases bucket; None when there is none."""
        bucket = self._settings.releases_bucket
        try:
            found = self._client.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=self._settings.account_id)
        except ClientError as error:
            if _code(error) in _NOT_THERE:
                return None
            raise
        return Drop(bucket=bucket, key=key, version_id=found["VersionId"])

    def profile(self, application: str) -> Profile:
        """Read what the application's latest recorded start touched; an empty profile when none was recorded."""
        try:
            found = self._client.get_object(Bucket=self._settings.bundles_bucket, Key=_profile(application))
        except self._client.exceptions.NoSuchKey:
            return Profile()
        return Profile.model_validate_json(found["Body"].read())

    def keep_profile(self, application: str, profile: Profile) -> None:
        """Keep a profile for the layout of the application's next bundle."""
        body = profile.model_dump_json().encode()
        self._client.put_object(Bucket=self._settings.bundles_bucket, Key=_profile(application), Body=body)

    def bundles(self, application: str) -> Iterator[Stored]:
        """List every object version among an application's bundles."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._settings.bundles_bucket, Prefix=f"bundles/{application}/"
        )
        for page in pages:
            for found in page.get("Versions", []):
                yield Stored(key=found["Key"], version_id=found["VersionId"], size=found["Size"])

    def delete(self, stored: Stored) -> None:
        """Delete one object version; one that is gone already is no error."""
        self._client.delete_object(Bucket=self._settings.bundles_bucket, Key=stored.key, VersionId=stored.version_id)

    def upload(self, key: str) -> "Upload":
        """Begin an object in the bundles bucket that is written part by part."""
        return Upload(self._client, self._settings.bundles_bucket, key)

    def mark_rolled_back(self, application: str, sha256: str, release: str) -> None:
        """Remember that an archive was rolled back: the same bytes need `force` from now on."""
        self._client.put_object(
            Bucket=self._settings.bundles_bucket, Key=_rolled_back(application, sha256), Body=release.encode()
        )

    def rolled_back_as(self, application: str, sha256: str) -> str | None:
        """Return the release as which an archive was rolled back before; None when it was not."""
        try:
            found = self._client.get_object(Bucket=self._settings.bundles_bucket, Key=_rolled_back(application, sha256))
        except self._client.exceptions.NoSuchKey:
            return None
        return found["Body"].read().decode()


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def _about(key: str) -> str:
    return f"{key.removesuffix('.tar.zst')}.json"


def _profile(application: str) -> str:
    return f"profiles/{application}.json"


def _rolled_back(application: str, sha256: str) -> str:
    return f"records/{application}/rolled-back/{sha256}"


class DroppedArchive:
    """A dropped object version as a seekable source; the same bytes however often they are read."""

    def __init__(self, client: "S3Client", drop: Drop, size: int, owner: str) -> None:
        self._client = client
        self._drop = drop
        self._owner = owner
        self.size = size
        self.name = drop.key

    def read_at(self, offset: int, length: int) -> bytes:
        """Read a range; a body that is cut short is asked for again."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        for _ in range(_TRIES - 1):
            try:
                return self._range(offset, length)
            except _CUT_SHORT:
                continue
        return self._range(offset, length)

    def _range(self, offset: int, length: int) -> bytes:
        found = self._client.get_object(
            Bucket=self._drop.bucket,
            Key=self._drop.key,
            VersionId=self._drop.version_id,
            Range=f"bytes={offset}-{offset + length - 1}",
            ExpectedBucketOwner=self._owner,
        )
        body = found["Body"].read()
        if len(body) != length:
            raise IncompleteReadError(actual_bytes=len(body), expected_bytes=length)
        return body

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


class Upload:
    """An object written part by part; it exists only once it is complete, and leaves nothing behind when it fails."""

    def __init__(self, client: "S3Client", bucket: str, key: str) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._buffer = bytearray()
        self._parts: list[CompletedPartTypeDef] = []
        self._upload_id = ""
        self.version_id = ""

    def __enter__(self) -> Self:
        self._upload_id = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._key)["UploadId"]
        return self

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes; a part is sent whenever enough have come together."""
        self._buffer += data
        while len(self._buffer) >= PART:
            self._send(bytes(self._buffer[:PART]))
            del self._buffer[:PART]

    def _send(self, body: bytes) -> None:
        number = len(self._parts) + 1
        sent = self._client.upload_part(
            Bucket=self._bucket, Key=self._key, UploadId=self._upload_id, PartNumber=number, Body=body
        )
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        if kind:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
            return
        self._send(bytes(self._buffer))
        made = self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=self._key, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
        )
        self.version_id = made["VersionId"]
