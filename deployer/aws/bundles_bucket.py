"""S3: the bundles bucket, with bundles, their locations, access profiles, and marks of archives rolled back."""

import math
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from deployer.aws.s3 import head_object
from deployer.aws.upload import StoredBundle, Upload
from deployer.model.profile import LARGEST, Profile
from deployer.model.release import Bundle
from deployer.model.value import Value
from deployer.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ObjectVersion(Value):
    """One object version in the bundles bucket."""

    key: str
    version_id: str
    size: int
    modified: datetime


class BundlesBucket:
    """Bundles, and the small files that the deployer keeps beside them."""

    def __init__(self, client: "S3Client", settings: Settings) -> None:
        self._client = client
        self._bucket = settings.bundles_bucket

    def find_bundle(self, key: str) -> Bundle | None:
        """Return the bundle under this key, if one was made and its object version still exists."""
        bundle = self._read_as(Bundle, _location(key))
        return bundle if bundle and self.exists(bundle.key, bundle.version_id, bundle.size) else None

    def save_location(self, bundle: Bundle) -> None:
        """Write a bundle's location, so that the same archive is not built twice."""
        self._write(_location(bundle.key), bundle.model_dump_json().encode())

    def exists(self, key: str, version_id: str, size: int | None = None) -> bool:
        """Return whether a bundle's object version still exists with its size."""
        found = head_object(self._client, Bucket=self._bucket, Key=key, VersionId=version_id)
        return found is not None and (size is None or found["ContentLength"] == size)

    def profile(self, application: str, runtime: str) -> Profile:
        """Return the profile of the application's latest recorded start on a runtime; empty without a usable one."""
        return self._read_as(Profile, _profile(application, runtime), LARGEST) or Profile()

    def save_profile(self, application: str, runtime: str, profile: Profile) -> None:
        """Keep a profile for the layout of the application's next bundle for a runtime."""
        self._write(_profile(application, runtime), profile.model_dump_json().encode())

    def object_versions(self, application: str) -> Iterator[ObjectVersion]:
        """List every object version among an application's bundles."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=f"bundles/{application}/"
        )
        for page in pages:
            for found in page.get("Versions", []):
                yield ObjectVersion(
                    key=found["Key"],
                    version_id=found["VersionId"],
                    size=found["Size"],
                    modified=found["LastModified"],
                )

    def delete(self, stored: ObjectVersion) -> None:
        """Delete one object version; a missing one is not an error."""
        self._client.delete_object(Bucket=self._bucket, Key=stored.key, VersionId=stored.version_id)

    def upload(self, key: str, earlier: Bundle | None = None) -> Upload:
        """Begin an object in the bundles bucket that is written in parts, or copied in parts from an earlier one."""
        return Upload(self._client, self._bucket, key, self.stored(earlier) if earlier else None)

    def stored(self, bundle: Bundle) -> StoredBundle:
        """Return what reads ranges of a bundle."""
        return StoredBundle(self._client, self._bucket, bundle)

    def newest(self, application: str, suffix: str) -> Bundle | None:
        """Return the bundle with a key of this suffix that was made last for an application; None if none is known."""
        bundle = self._read_as(Bundle, _newest(application, suffix))
        fits = bundle and bundle.key.startswith(f"bundles/{application}/") and bundle.key.endswith(suffix)
        return bundle if fits else None

    def save_newest(self, application: str, suffix: str, bundle: Bundle) -> None:
        """Write down which bundle the next release copies from."""
        self._write(_newest(application, suffix), bundle.model_dump_json().encode())

    def mark_rolled_back(self, application: str, sha256: str, release: str) -> None:
        """Mark an archive as rolled back: the same bytes need `force` after this."""
        self._write(_rolled_back(application, sha256), release.encode())

    def rolled_back_as(self, application: str, sha256: str) -> str | None:
        """Return the release under which an archive was rolled back before; None when it was not."""
        release = self._read(_rolled_back(application, sha256))
        return None if release is None else release.decode()

    def _read_as[T: Value](self, kind: type[T], key: str, most: float = math.inf) -> T | None:
        """Return a small file's value; None if the file is missing or cannot be read."""
        try:
            return kind.model_validate_json(self._read(key, most) or b"")
        except ValidationError:
            return None

    def _read(self, key: str, most: float = math.inf) -> bytes | None:
        """Return a small file; None when there is none, or one of more bytes."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        return found["Body"].read() if found["ContentLength"] <= most else None

    def _write(self, key: str, body: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body)


def _location(key: str) -> str:
    return f"{key.removesuffix('.tar.zst')}.json"


def _profile(application: str, runtime: str) -> str:
    """Return a profile's key. It has the runtime, because names of bytecode and native modules depend on it."""
    return f"profiles/{application}/{runtime}.json"


def _newest(application: str, suffix: str) -> str:
    """Return where it is written which bundle was made last for a runtime and a schema."""
    return f"profiles/{application}/newest{suffix.removesuffix('.tar.zst')}.json"


def _rolled_back(application: str, sha256: str) -> str:
    return f"records/{application}/rolled-back/{sha256}"
