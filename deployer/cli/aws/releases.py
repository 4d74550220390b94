"""The releases bucket as a publisher uses it: one upload, in parts where it is large, and which version it became."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from deployer.cli.aws.session import code_of, sentences
from deployer.cli.aws.stack import Stack
from deployer.cli.exits import refusal, unknown
from deployer.model.drop import Drop

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

type Sent = Callable[[int], object]
"""Is called with the number of bytes that went up."""
_FINAL_CALLS = ("PutObject", "CompleteMultipartUpload")
"""The calls of which one makes the object: S3 names its version, and takes the condition, in these."""


def upload(stack: Stack, archive: Path, key: str, metadata: Mapping[str, str], sent: Sent) -> Drop:
    """Drop an archive and return which object version it is; a StopError if it was not dropped."""
    made: dict[str, str] = {}
    with sentences():
        client = stack.session.boto.client("s3", config=stack.session.patient)
        _remember_version(client, made)
        if stack.writes_once:
            _never_replace(client)
        try:
            client.upload_file(
                str(archive), stack.releases_bucket, key, ExtraArgs={"Metadata": dict(metadata)}, Callback=sent
            )
        except S3UploadFailedError as error:
            raise _why(error, key) from error
    if "VersionId" not in made:
        found = f"{stack.releases_bucket} keeps no versions"
        raise unknown("bucket", found, "a bucket with versioning", "switch versioning on again, and drop it again")
    return Drop(bucket=stack.releases_bucket, key=key, version_id=made["VersionId"])


def _why(error: S3UploadFailedError, key: str) -> Exception:
    """Return the ClientError that boto3 has wrapped, or that the key is there already."""
    cause = error.__context__
    if not isinstance(cause, ClientError):
        return unknown("upload", str(error), "an upload that ends", "drop it again")
    if code_of(cause) in ("PreconditionFailed", "ConditionalRequestConflict"):
        return refusal("release", f"{key} is there already", "a name that is new", "choose another --release")
    return cause


def _remember_version(client: "S3Client", made: dict[str, str]) -> None:
    def remember(parsed: Mapping[str, Any], **_: object) -> None:
        if "VersionId" in parsed:
            made["VersionId"] = parsed["VersionId"]

    for call in _FINAL_CALLS:
        client.meta.events.register(f"after-call.s3.{call}", remember)


def _never_replace(client: "S3Client") -> None:
    """Make the upload conditional. Of a multipart upload only the last call can be, as S3's user guide says."""

    def add(params: dict[str, Any], **_: object) -> None:
        params["IfNoneMatch"] = "*"

    for call in _FINAL_CALLS:
        client.meta.events.register(f"provide-client-params.s3.{call}", add)


def sign(stack: Stack, key: str, text: bytes) -> bytes:
    """Return the signature of a text by a KMS key (ECC_NIST_P256)."""
    with sentences():
        client = stack.session.boto.client("kms", config=stack.session.patient)
        return client.sign(KeyId=key, Message=text, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
