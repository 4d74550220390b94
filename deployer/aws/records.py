"""S3: one JSON object per release and one per application, written by compare-and-swap."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer.aws.errors import ContendedError
from deployer.model.overview import UNKNOWN, Overview
from deployer.model.record import Record
from deployer.model.value import Value
from deployer.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHANGED_UNDER_US = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey")
"""NoSuchKey: the object that IfMatch names was deleted."""
_TRIES = 10
_OVERVIEWS = "records/_overview/"
"""Beside the records of all applications: no application's name begins so."""
_REBUILT_FROM = 100
"""Number of records from which a lost overview is restored: those written last."""


class Records:
    """The records of all releases, under `records/<application>/<release id>.json`."""

    def __init__(self, client: "S3Client", settings: Settings) -> None:
        self._client = client
        self._bucket = settings.bundles_bucket

    def begin(self, record: Record) -> Record:
        """Write a record unless there is one; return the one that exists afterwards."""
        return self.change(record, lambda known: known)

    def read(self, application: str, release_id: str) -> Record | None:
        """Read a record; None when there is none."""
        found = self._read(_key(application, release_id))
        return found[0] if found else None

    def change(self, known: Record, change: Callable[[Record], Record]) -> Record:
        """Apply a pure change to a record and write it; if others wrote in between, repeat with the newer one.

        A deleted record is restored from `known`, the caller's. While another write is under way, S3 may refuse ours
        although no record exists yet (409). Raises ContendedError when others write each time between read and write.
        Source: Amazon S3 user guide, conditional writes.
        """
        key = _key(known.application, known.release_id)
        for _ in range(_TRIES):
            before, etag = self._read(key) or (known, None)
            after = change(before.completed(known))
            if etag and after == before:
                return after
            if self._put(key, after, **({"IfMatch": etag} if etag else {"IfNoneMatch": "*"})):
                return after
        raise ContendedError(f"the record of release {known.release_id} changed {_TRIES} times while it was written")

    def overview(self, application: str) -> Overview:
        """Read an application's overview; a lost one is restored from its records."""
        return self._overview(application)[0]

    def applications(self) -> list[str]:
        """List the applications that have an overview: those that ever had a drop."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=_OVERVIEWS)
        keys = (entry["Key"] for page in pages for entry in page.get("Contents", []))
        return sorted({key.removeprefix(_OVERVIEWS) for key in keys} - {UNKNOWN})

    def change_overview(self, application: str, change: Callable[[Overview], Overview]) -> Overview:
        """Apply a pure change to an application's overview, as `change` does to a record; return it as it is then.

        Raises ContendedError as `change` does.
        """
        for _ in range(_TRIES):
            before, condition = self._overview(application)
            after = change(before)
            if after == before or self._put(_overview_key(application), after, **condition):
                return after
        raise ContendedError(f"the overview of {application} changed {_TRIES} times while it was written")

    def _overview(self, application: str) -> tuple[Overview, dict[str, str]]:
        """Return the overview and the condition to write it under."""
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=_overview_key(application))
        except self._client.exceptions.NoSuchKey:
            return Overview.of(self.newest(application, _REBUILT_FROM)), {"IfNoneMatch": "*"}
        return Overview.model_validate_json(found["Body"].read()), {"IfMatch": found["ETag"]}

    def newest(self, application: str, limit: int) -> list[Record]:
        """Read the records that were written last, newest first."""
        found = sorted(self._listed(application), reverse=True)[:limit]
        records = (self._read(key) for _, key in found)
        return [record[0] for record in records if record]

    def unchanged_since(self, application: str, time: datetime) -> list[str]:
        """Return the release ids of the records that were last written before a time, oldest first."""
        return [_release_id(key) for modified, key in sorted(self._listed(application)) if modified < time]

    def hide(self, application: str, release_id: str) -> None:
        """Delete a record with a marker: whoever names no version finds none, until S3 deletes the bytes, too."""
        self._client.delete_object(Bucket=self._bucket, Key=_key(application, release_id))

    def _listed(self, application: str) -> Iterator[tuple[datetime, str]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"records/{application}/"
        )
        for page in pages:
            for entry in page.get("Contents", []):
                if entry["Key"].endswith(".json"):
                    yield entry["LastModified"], entry["Key"]

    def _read(self, key: str) -> tuple[Record, str] | None:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        return Record.model_validate_json(found["Body"].read()), found["ETag"]

    def _put(self, key: str, value: Value, **condition: str) -> bool:
        """Write under a condition; False when it does not hold."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=value.model_dump_json(indent=1).encode(),
                ContentType="application/json",
                **condition,  # type: ignore[arg-type]  # IfMatch or IfNoneMatch, both strings
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _CHANGED_UNDER_US:
                return False
            raise
        return True


def _overview_key(application: str) -> str:
    return f"{_OVERVIEWS}{application}"


def _release_id(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".json")


def _key(application: str, release_id: str) -> str:
    return f"records/{application}/{release_id}.json"
