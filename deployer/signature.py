"""The check of a drop's signature, if the stack has a signing key."""

import base64
import binascii

from deployer.aws import Aws
from deployer.aws.releases_bucket import Head
from deployer.model.drop import SIGNATURE, SIGNATURE_SUFFIX, Drop
from deployer.model.problem import Problem

_REMEDY = "sign the archive's SHA-256 as docs/manifest.md shows, and drop it again"
_ALLOWED = f"a signature in the object's metadata ({SIGNATURE}) or beside it ({SIGNATURE_SUFFIX})"


def objection(aws: Aws, signing_key: str, drop: Drop, head: Head, sha256: str) -> Problem | None:
    """Return why a drop's signature is refused; None when it is accepted, or `signing_key` is empty.

    `sha256` is the digest of the bytes that were read.
    """
    if not signing_key:
        return None
    text = head.signature or aws.releases.signature_beside(drop)
    if text is None:
        return _problem("no signature")
    signature = decoded(text)
    if signature is None:
        return _problem("a signature that is not Base64")
    if not aws.verifier.verify(signing_key, sha256, signature):
        return _problem("a signature by another key, or over other bytes")
    return None


def decoded(text: str) -> bytes | None:
    """Pure: decode Base64; None when it is not valid Base64, or empty."""
    try:
        return base64.b64decode(text.strip(), validate=True) or None
    except binascii.Error:
        return None


def _problem(found: str) -> Problem:
    return Problem(where="archive", found=found, allowed=_ALLOWED, remedy=_REMEDY)
