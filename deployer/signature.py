"""Whether a drop carries the signature that this deployer asks for; every drop does where no key is configured."""

import base64
import binascii

from deployer.aws.releases_bucket import Head
from deployer.deployer import Deployer
from deployer.model.drop import SIGNATURE, SIGNATURE_SUFFIX, Drop
from deployer.model.problem import Problem

_REMEDY = "sign the archive's SHA-256 as the README shows, and drop it again"
_ALLOWED = f"a signature in the object's metadata ({SIGNATURE}) or beside it ({SIGNATURE_SUFFIX})"


def objection(deployer: Deployer, drop: Drop, head: Head, sha256: str) -> Problem | None:
    """Say why a drop's signature does not do; `sha256` is the digest of the bytes that were read."""
    key = deployer.settings.signing_key
    if not key:
        return None
    text = head.signature or deployer.aws.releases.signature_beside(drop)
    if text is None:
        return _problem("no signature")
    signature = decoded(text)
    if signature is None:
        return _problem("a signature that is not Base64")
    if not deployer.aws.verifier.verify(key, sha256, signature):
        return _problem("a signature by another key, or over other bytes")
    return None


def decoded(text: str) -> bytes | None:
    """Pure: read Base64; None when it is none, or nothing."""
    try:
        return base64.b64decode(text.strip(), validate=True) or None
    except binascii.Error:
        return None


def _problem(found: str) -> Problem:
    return Problem(where="archive", found=found, allowed=_ALLOWED, remedy=_REMEDY)
