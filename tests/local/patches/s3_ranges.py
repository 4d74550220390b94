"""A ranged read of one version of an object gives that range.

Upstream looks at `Range` only when no version is asked for, and sends the whole object with status 200.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from collections.abc import Callable
from typing import Any

from ministack.services import s3

from tests.local.upstream import around, needs

type Response = tuple[int, dict[str, str], Any]

_WHOLE_OBJECT_ONLY = ("range", "x-amz-checksum-mode")


def get_object(
    original: Callable[..., Response],
    bucket_name: str,
    key: str,
    headers: dict[str, str],
    query_params: dict[str, Any] | None = None,
) -> Response:
    """Read the version whole, then cut the range out of it."""
    wanted = headers.get("range", "")
    if not wanted or not s3._qp(query_params or {}, "versionId", ""):
        return original(bucket_name, key, headers, query_params)
    rest = {name: value for name, value in headers.items() if name not in _WHOLE_OBJECT_ONLY}
    status, about, body = original(bucket_name, key, rest, query_params)
    return _cut(wanted, about, body, f"/{bucket_name}/{key}") if status == 200 else (status, about, body)


def _cut(wanted: str, about: dict[str, str], body: bytes, resource: str) -> Response:
    span = s3._parse_range(wanted, len(body))
    if span is None:
        refused: Response = s3._error("InvalidRange", "The requested range is not satisfiable", 416, resource)
        return refused
    start, end = span
    ranged = {"Content-Length": str(end - start + 1), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
    return 206, about | ranged, body[start : end + 1]


def install() -> None:
    """Look at the range first."""
    needs(s3, "_qp", "_parse_range", "_error")
    around(s3, "_get_object", get_object)
