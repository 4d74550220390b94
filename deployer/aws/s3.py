"""S3: the parts that both buckets share."""

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

if TYPE_CHECKING:
    from typing import Unpack

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef, HeadObjectOutputTypeDef, HeadObjectRequestTypeDef

PART = 16 << 20
"""Bytes per request, received or sent: 10,000 parts of this size make an object of 156 GiB."""
_NOT_THERE = ("404", "405")
"""The codes with which HEAD answers for a missing version: 405 for a delete marker.

The answer to a HEAD has no body: an expired token, a disabled key and a malformed version id are all 400.
Source: Amazon S3 API reference, HeadObject.
"""

_TRIES = 4
_CUT_SHORT = (ResponseStreamingError, IncompleteReadError, ReadTimeoutError, ConnectionClosedError)


def name_owner(client: "S3Client", account: str) -> None:
    """Name the account that must own the bucket in every request of a client.

    Bucket names are global: after ours was deleted, another account could make one by its name, and is refused.
    Source: Amazon S3 user guide, verifying bucket ownership with bucket owner condition.
    """
    client.meta.events.register("before-parameter-build.s3", partial(_with_owner, account))


def _with_owner(account: str, params: dict[str, Any], **_: object) -> None:
    params["ExpectedBucketOwner"] = account


def head_object(client: "S3Client", **which: "Unpack[HeadObjectRequestTypeDef]") -> "HeadObjectOutputTypeDef | None":
    """Return the attributes of an object version; None when there is none."""
    try:
        return client.head_object(**which)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise


def read_range(client: "S3Client", which: tuple[int, int], **of: "Unpack[GetObjectRequestTypeDef]") -> bytes:
    """Return `length` bytes at an `offset` of an object version; a body that is cut short is asked for again."""
    for _ in range(_TRIES - 1):
        try:
            return _range(client, *which, **of)
        except _CUT_SHORT:
            continue
    return _range(client, *which, **of)


def _range(client: "S3Client", offset: int, length: int, **of: "Unpack[GetObjectRequestTypeDef]") -> bytes:
    of["Range"] = f"bytes={offset}-{offset + length - 1}"
    body = client.get_object(**of)["Body"].read()
    if len(body) != length:
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=length)
    return body
