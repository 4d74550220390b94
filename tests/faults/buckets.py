"""S3 with versions, conditional writes, ranges and multipart uploads, in memory.

Sources: Amazon S3 API reference (GetObject, PutObject, CompleteMultipartUpload); user guide, conditional writes.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from tests.faults.clock import Clock
from tests.faults.wire import ServiceError

ACCOUNT = "123456789012"
_RECORD = re.compile(r"records/[a-z0-9-]+/[0-9a-f]{32}\.json")
"""Objects that the deployer hides by a marker: records, when they are old. All others are deleted by version."""
PAGE = 1_000
"""Keys in an answer. Source: Amazon S3 API reference, ListObjectsV2."""


@dataclass(frozen=True)
class Stored:
    """One version of an object."""

    version: str
    body: bytes
    modified: datetime
    metadata: Mapping[str, str]
    marker: bool = False
    """True for a delete marker: it hides the versions before it from calls that name none."""

    @cached_property
    def etag(self) -> str:
        """The digest S3 gives an object; a conditional write names it."""
        return f'"{hashlib.md5(self.body).hexdigest()}"'  # noqa: S324 - as S3 does


@dataclass(frozen=True)
class Written:
    """One version that was written: when in the order of all effects, and by whom."""

    at: int
    actor: str
    key: str
    body: bytes


@dataclass
class Bucket:
    """Objects by key, each a list of versions, the newest last."""

    objects: dict[str, list[Stored]] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[int, bytes]]] = field(default_factory=dict)


class S3:
    """The operations the deployer uses."""

    def __init__(self, clock: Clock, names: Iterable[str]) -> None:
        self.buckets = {name: Bucket() for name in names}
        self.written: list[Written] = []
        self.hidden: list[tuple[int, str]] = []
        """Deleted objects, by key, in the order of all effects."""
        self.read_once: set[str] = set()
        """Versions that somebody deletes as soon as a range of them was read."""
        self.actor = "nobody"
        self._clock = clock

    @staticmethod
    def check_owner(ExpectedBucketOwner: str = ACCOUNT, **_: object) -> None:
        """Refuse a request that names another owner. Source: Amazon S3 user guide, bucket owner condition."""
        if ExpectedBucketOwner != ACCOUNT:
            raise ServiceError("AccessDenied", 403)

    def body(self, bucket: str, key: str, version: str) -> bytes | None:
        """Return the bytes of an object version, None when there is none."""
        fits = [one.body for one in self.buckets[bucket].objects.get(key, []) if one.version == version]
        return fits[0] if fits else None

    def hide(self, bucket: str, keys: re.Pattern[str]) -> None:
        """Delete objects as somebody does who names no version."""
        for key, versions in self.buckets[bucket].objects.items():
            if keys.fullmatch(key) and not versions[-1].marker:
                versions.append(Stored(f"v{self._clock.number()}", b"", self._clock.now, {}, marker=True))
                self.hidden.append((self._clock.number(), key))

    def head_object(self, Bucket: str, Key: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - the rest of the request
        return self._head(self._find(Bucket, Key, **params))

    def get_object(self, Bucket: str, Key: str, Range: str = "", **params: Any) -> dict[str, Any]:  # noqa: ANN401 - the rest of the request
        found = self._find(Bucket, Key, **params)
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", Range)
        if not part:
            return {**self._head(found), "Body": found.body}
        body = found.body[int(part[1]) : int(part[2]) + 1]
        if not body:
            raise ServiceError("InvalidRange", 416)
        if found.version in self.read_once:
            self.delete_object(Bucket, Key, found.version)
        return {**self._head(found), "ContentLength": len(body), "Body": body}

    def _find(self, bucket: str, key: str, VersionId: str | None = None, **_: object) -> Stored:
        versions = self.buckets[bucket].objects.get(key, [])
        fits = [one for one in versions if VersionId in (None, one.version)]
        if not fits or fits[-1].marker:
            raise ServiceError("NoSuchVersion" if VersionId else "NoSuchKey", 404)
        return fits[-1]

    @staticmethod
    def _head(found: Stored) -> dict[str, Any]:
        return {
            "ContentLength": len(found.body),
            "ETag": found.etag,
            "LastModified": found.modified,
            "VersionId": found.version,
            "Metadata": dict(found.metadata),
        }

    def put_object(
        self,
        Bucket: str,
        Key: str,
        Body: bytes = b"",
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
        **params: Any,  # noqa: ANN401 - the rest of the request
    ) -> dict[str, Any]:
        versions = self.buckets[Bucket].objects.get(Key, [])
        versions = [] if versions and versions[-1].marker else versions
        if IfNoneMatch and versions:
            raise ServiceError("PreconditionFailed", 412)
        if IfMatch and not versions:
            raise ServiceError("NoSuchKey", 404)
        if IfMatch and versions[-1].etag != IfMatch:
            raise ServiceError("PreconditionFailed", 412)
        return self._store(Bucket, Key, Body, params.get("Metadata", {}))

    def _store(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> dict[str, Any]:
        made = Stored(f"v{self._clock.number()}", body, self._clock.now, metadata)
        self.buckets[bucket].objects.setdefault(key, []).append(made)
        self.written.append(Written(self._clock.number(), self.actor, key, body))
        return {"ETag": made.etag, "VersionId": made.version}

    def create_multipart_upload(self, Bucket: str, Key: str, **_: object) -> dict[str, Any]:
        upload = f"upload-{self._clock.number()}"
        self.buckets[Bucket].uploads[upload] = Key, {}
        return {"Bucket": Bucket, "Key": Key, "UploadId": upload}

    def upload_part(self, Bucket: str, UploadId: str, PartNumber: int, Body: bytes, **_: object) -> dict[str, Any]:
        self._upload(Bucket, UploadId)[1][PartNumber] = Body
        return {"ETag": f'"part-{PartNumber}"'}

    def complete_multipart_upload(
        self, Bucket: str, Key: str, UploadId: str, MultipartUpload: dict[str, list[dict[str, Any]]], **_: object
    ) -> dict[str, Any]:
        sent = self._upload(Bucket, UploadId)[1]
        named = [part["PartNumber"] for part in MultipartUpload["Parts"]]
        if named != sorted(sent):
            raise ServiceError("InvalidPart", 400)
        del self.buckets[Bucket].uploads[UploadId]
        made = self._store(Bucket, Key, b"".join(sent[number] for number in named), {})
        return {"Bucket": Bucket, "Key": Key, **made}

    def abort_multipart_upload(self, Bucket: str, UploadId: str, **_: object) -> dict[str, Any]:
        self._upload(Bucket, UploadId)
        del self.buckets[Bucket].uploads[UploadId]
        return {}

    def _upload(self, bucket: str, upload: str) -> tuple[str, dict[int, bytes]]:
        if upload not in self.buckets[bucket].uploads:
            raise ServiceError("NoSuchUpload", 404)
        return self.buckets[bucket].uploads[upload]

    def delete_object(self, Bucket: str, Key: str, VersionId: str | None = None, **_: object) -> dict[str, Any]:
        versions = self.buckets[Bucket].objects.get(Key, [])
        if VersionId is None:
            if not _RECORD.fullmatch(Key):
                raise AssertionError("a delete marker would hide an object instead of removing a version")
            self.hide(Bucket, re.compile(re.escape(Key)))
            return {"DeleteMarker": True, "VersionId": f"v{self._clock.number()}"}
        left = [one for one in versions if one.version != VersionId]
        self.buckets[Bucket].objects[Key] = left
        if not left:
            del self.buckets[Bucket].objects[Key]
        return {"VersionId": VersionId}

    def list_objects_v2(
        self, Bucket: str, Prefix: str = "", ContinuationToken: str = "", **_: object
    ) -> dict[str, Any]:
        newest = {key: one[-1] for key, one in sorted(self.buckets[Bucket].objects.items()) if key.startswith(Prefix)}
        found = {key: one for key, one in newest.items() if not one.marker}
        listed = [
            {"Key": key, "LastModified": one.modified, "ETag": one.etag, "Size": len(one.body)}
            for key, one in found.items()
        ]
        listed = [one for one in listed if str(one["Key"]) > ContinuationToken]
        page, more = listed[:PAGE], len(listed) > PAGE
        token = {"NextContinuationToken": page[-1]["Key"]} if more else {}
        return {"IsTruncated": more, "Contents": page, "KeyCount": len(page), **token}

    def list_object_versions(self, Bucket: str, Prefix: str = "", **_: object) -> dict[str, Any]:
        listed = [
            {"Key": key, "VersionId": one.version, "LastModified": one.modified, "Size": len(one.body)}
            for key, versions in sorted(self.buckets[Bucket].objects.items())
            for one in versions
            if key.startswith(Prefix) and not one.marker
        ]
        return {"IsTruncated": False, "Versions": listed}
