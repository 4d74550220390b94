"""S3: the parts that both buckets share."""

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from typing import Unpack

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, HeadObjectRequestTypeDef

PART = 16 << 20
"""Bytes per request, received or sent: 10,000 parts of this size make an object of 156 GiB."""
_NOT_THERE = ("404", "405")
"""The codes with which HEAD answers for a missing version: 405 for a delete marker.

The answer to a HEAD has no body: an expired token, a disabled key and a malformed version id are all 400.
Source: Amazon S3 API reference, HeadObject.
"""


def name_owner(client: "S3Client", account: str) -> None:
    """Name the account that must own the bucket in every request of a client.

    Bucket names are global: whoever makes a bucket of ours again in another account, once it was deleted, is refused.
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
