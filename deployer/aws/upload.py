"""S3: a bundle on its way up, part by part, and the earlier bundle that some of its bytes are copied from."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError, IncompleteReadError

from deployer.aws.s3 import PART, read_range
from deployer.model.release import Bundle

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_GONE = ("NoSuchKey", "NoSuchVersion", "404", "405", "InvalidRange", "AccessDenied")
_TAIL = 15 << 20
"""Bytes of index and recipe at most: they are one message to the sandbox."""
_FETCHING = 4
_AHEAD = 8
"""Copies that are fetched, or wait for their turn."""
_SENDING = 2
"""Parts on their way."""


class BundleGoneError(Exception):
    """An earlier bundle was deleted, or holds other bytes than its recipe lists: the bundle is made without it."""


class StoredBundle:
    """One version of a bundle."""

    def __init__(self, client: "S3Client", bucket: str, bundle: Bundle) -> None:
        self._client = client
        self._bucket = bucket
        self._bundle = bundle

    def tail(self) -> bytes:
        """Return index and recipe; raises BundleGoneError."""
        bundle = self._bundle
        if not 0 <= bundle.offset < bundle.size <= bundle.offset + _TAIL:
            raise BundleGoneError(bundle.key)
        return self.read(bundle.offset, bundle.size - bundle.offset, bundle.tail_sha256)

    def read(self, offset: int, length: int, digest: str) -> bytes:
        """Return bytes with this SHA-256; raises BundleGoneError."""
        try:
            data = read_range(
                self._client,
                (offset, length),
                Bucket=self._bucket,
                Key=self._bundle.key,
                VersionId=self._bundle.version_id,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise BundleGoneError(self._bundle.key) from None
            raise
        except IncompleteReadError:
            raise BundleGoneError(self._bundle.key) from None
        if sha256(data).hexdigest() != digest:
            raise BundleGoneError(self._bundle.key)
        return data


class Upload:
    """An object written part by part; it exists only once it is complete, and leaves nothing behind when it fails."""

    def __init__(self, client: "S3Client", bucket: str, key: str, earlier: StoredBundle | None) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._earlier = earlier
        self._buffer = bytearray()
        self._coming: deque[Future[bytes] | bytes] = deque()
        """Copies that have not arrived, and what comes behind them."""
        self._parts: list[Future[CompletedPartTypeDef]] = []
        self._upload_id = ""
        self.version_id = ""

    def __enter__(self) -> Self:
        self._upload_id = self._client.create_multipart_upload(Bucket=self._bucket, Key=self._key)["UploadId"]
        self._pool = ThreadPoolExecutor(_FETCHING + _SENDING)
        return self

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes; a part is sent whenever enough have come together."""
        self._coming.append(bytes(data))
        self._take(_AHEAD)

    def copy(self, offset: int, length: int, digest: str) -> None:
        """Take bytes of the earlier bundle; raises BundleGoneError, now or at one of the next calls."""
        if self._earlier is None:
            raise BundleGoneError
        self._coming.append(self._pool.submit(self._earlier.read, offset, length, digest))
        self._take(_AHEAD)

    def _take(self, most: int) -> None:
        """Put what has come into parts; wait until at most so many are still to come."""
        while self._coming and (len(self._coming) > most or isinstance(self._coming[0], bytes)):
            first = self._coming.popleft()
            self._buffer += first if isinstance(first, bytes) else first.result()
            while len(self._buffer) >= PART:
                self._send(bytes(self._buffer[:PART]))
                del self._buffer[:PART]

    def _send(self, body: bytes) -> None:
        if len(self._parts) >= _SENDING:
            self._parts[-_SENDING].result()
        self._parts.append(self._pool.submit(self._part, len(self._parts) + 1, body))

    def _part(self, number: int, body: bytes) -> "CompletedPartTypeDef":
        sent = self._client.upload_part(
            Bucket=self._bucket, Key=self._key, UploadId=self._upload_id, PartNumber=number, Body=body
        )
        return {"PartNumber": number, "ETag": sent["ETag"]}

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        if not self.version_id:
            self._abort()

    def complete(self) -> None:
        """Make the object, whose version is known then; without this call, nothing is left of it."""
        self._take(0)
        self._send(bytes(self._buffer))
        made = self._client.complete_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            MultipartUpload={"Parts": [part.result() for part in self._parts]},
        )
        self.version_id = made["VersionId"]

    def _abort(self) -> None:
        """Remove the parts; there are none left when the upload was completed and only the answer was lost."""
        with suppress(self._client.exceptions.NoSuchUpload):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
