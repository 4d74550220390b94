"""Every way a load can fail, as one line that names the object and what to do about it."""

from .pointer import Pointer


class LoadError(Exception):
    """The release cannot be loaded; `kind` becomes the error type `Dropshift.<kind>`, the message is one line."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Retry(OSError):  # noqa: N818 - named for what happens next
    """A part did not arrive whole; ask for it again."""


class SlowDown(Retry):
    """S3 has as many requests as it serves at a time; ask again later, however often.

    Source: Amazon S3 user guide, best practices design patterns: 5,500 GET requests per second and prefix, 503 above.
    """


def describe(pointer: Pointer) -> str:
    """Return the name of the object that a message is about."""
    return f"release {pointer.release} (s3://{pointer.bucket}/{pointer.key}, version {pointer.version})"


GONE = "exempt bundles/ from lifecycle rules, because bundles must outlive their versions, and redeploy the release"
DENIED = (
    "access was denied; the function's role needs s3:GetObject and s3:GetObjectVersion on the bundle "
    "(and kms:Decrypt on its key), and the bucket must belong to the account in the pointer"
)
REMEDIES = {
    "NoSuchKey": ("Missing", f"the bundle is gone; {GONE}"),
    "NoSuchVersion": ("Missing", f"the pinned object version is gone; {GONE}"),
    "NoSuchBucket": ("Missing", "the bucket does not exist; restore the bundles bucket and redeploy the release"),
    "AccessDenied": ("AccessDenied", DENIED),
    "ExpiredToken": (
        "ExpiredCredentials",
        "the credentials have expired; start a fresh execution environment, and check that the role still exists",
    ),
    "InvalidAccessKeyId": (
        "AccessDenied",
        "S3 does not know these credentials; check that the function's role still exists",
    ),
    "SignatureDoesNotMatch": (
        "AccessDenied",
        "S3 refuses the signature; check that no proxy rewrites the request and that the clock is right",
    ),
    "RequestTimeTooSkewed": ("AccessDenied", "the clock of this environment is off; start a fresh one"),
}
"""S3's error code to the kind of failure and what to do (Amazon S3 API reference, "Error responses")."""
