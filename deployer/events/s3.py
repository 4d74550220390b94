"""Notifications of S3: each record is a drop, or ignored for a reason."""

import re
from collections.abc import Collection
from typing import Annotated, Literal
from urllib.parse import unquote_plus

from pydantic import AliasPath, Field, JsonValue, ValidationError

from deployer.events.incoming import Fields, Ignored
from deployer.model.drop import SIGNATURE_SUFFIX, Drop, misplaced
from deployer.model.text import shortened
from deployer.settings import Settings

_EVENT_MAJOR = "2."
"""The major version of S3's event structure that this module can read; a minor version may add fields.

Source: Amazon S3 user guide, event message structure.
"""
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class _Record(Fields):
    event_version: Annotated[str, Field(alias="eventVersion")]
    event_source: Annotated[Literal["aws:s3"], Field(alias="eventSource")]
    event_name: Annotated[str, Field(alias="eventName")]
    bucket: Annotated[str, Field(validation_alias=AliasPath("s3", "bucket", "name"))]
    key: Annotated[str, Field(validation_alias=AliasPath("s3", "object", "key"))]
    version_id: Annotated[str | None, Field(validation_alias=AliasPath("s3", "object", "versionId"))] = None
    sequencer: Annotated[
        str, Field(validation_alias=AliasPath("s3", "object", "sequencer"), pattern=r"^[0-9A-Fa-f]{0,40}$")
    ] = ""


def drop_of(raw: JsonValue, settings: Settings, applications: Collection[str]) -> Drop | Ignored:
    """Return the drop of a record, or why it is ignored; records do not stop each other."""
    try:
        record = _Record.model_validate(raw)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in detail["loc"]) for detail in error.errors()})
        reason = f"not a valid S3 event record: check {', '.join(fields) or 'all of it'}"
        return Ignored(reason=reason, needs_attention=True)
    if not record.event_version.startswith(_EVENT_MAJOR):
        return Ignored(
            reason=f"event version {shortened(record.event_version)} is not understood", needs_attention=True
        )
    if record.bucket != settings.releases_bucket:
        return Ignored(reason=f"bucket {shortened(record.bucket)} is not ours", needs_attention=True)
    if not record.event_name.startswith("ObjectCreated:"):
        return Ignored(reason=f"{shortened(record.event_name)} creates nothing")
    return _drop(record, applications)


def _drop(record: _Record, applications: Collection[str]) -> Drop | Ignored:
    key = _decoded(record.key)
    if key is None:
        return Ignored(reason=f"the key {shortened(record.key)} is not URL-encoded UTF-8", needs_attention=True)
    if key.endswith(SIGNATURE_SUFFIX):
        return Ignored(reason=f"{shortened(key)} is a signature; the archive it belongs to counts")
    if problem := misplaced(key, applications):
        named = key.partition("/")[0]
        application = named if named in applications else None
        return Ignored(reason=str(problem), needs_attention=True, key=shortened(key), application=application)
    if record.version_id in (None, "", "null"):
        reason = f"{shortened(key)} has no version id: was versioning of the bucket suspended?"
        return Ignored(reason=reason, needs_attention=True)
    return Drop(bucket=record.bucket, key=key, version_id=str(record.version_id), sequencer=record.sequencer)


def _decoded(key: str) -> str | None:
    """Return the decoded key; None when it is not encoded as S3 does.

    Source: Amazon S3 user guide, event message structure: the key is URL-encoded.
    """
    if _BROKEN_ESCAPE.search(key):
        return None
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError:
        return None
