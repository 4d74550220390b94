"""The check of a drop's signature, if the stack has a signing key.

A signature is for bytes under a key: for an application and the name of a release. Over bytes alone it could be used
again, for another application or under a newer name. Source: The Update Framework, mix-and-match attacks.
"""

import base64
import binascii

from deployer.aws import Aws
from deployer.aws.releases_bucket import Head
from deployer.model.drop import SIGNATURE, SIGNATURE_SUFFIX, Drop, signed_text
from deployer.model.problem import Problem
from deployer.model.text import shortened

_ALLOWED = f"a signature in the object's metadata ({SIGNATURE}) or beside it ({SIGNATURE_SUFFIX})"
_COMMAND = (
    "aws kms sign --key-id KEY --message-type RAW --signing-algorithm ECDSA_SHA_256 --query Signature --output text"
    " --message \"$(printf 'dropshift 1 %s %s' DIGEST RELEASE | base64 | tr -d '\\n')\""
)
_LONGEST_KEY = 200


def objection(aws: Aws, signing_key: str, drop: Drop, head: Head, sha256: str) -> Problem | None:
    """Return why a drop's signature is refused; None when it is accepted, or `signing_key` is empty.

    `sha256` is the digest of the bytes that were read.
    """
    if not signing_key:
        return None
    text = head.signature or aws.releases.signature_beside(drop)
    signature = decoded(text) if text is not None else None
    if signature is None:
        found = "no signature" if text is None else "a signature that is not Base64"
    elif aws.verifier.verify(signing_key, signed_text(drop.key, sha256), signature):
        return None
    elif aws.verifier.verify(signing_key, bytes.fromhex(sha256), signature, "DIGEST"):
        found = "a signature over the bytes alone, which would be good for any application and name"
    else:
        found = "a signature by another key, for another application or name, or over other bytes"
    return Problem.of("archive", found, _ALLOWED, _remedy(drop.key, sha256))


def decoded(text: str) -> bytes | None:
    """Pure: decode Base64; None when it is not valid Base64, or empty."""
    try:
        return base64.b64decode(text.strip(), validate=True) or None
    except binascii.Error:
        return None


def _remedy(key: str, sha256: str) -> str:
    """Return how this drop is signed: the command, with its digest and its key."""
    release = shortened(key, _LONGEST_KEY).replace("'", "'\\''")
    command = _COMMAND.replace("DIGEST", sha256).replace("RELEASE", f"'{release}'")
    return f"sign the archive for its key, as docs/manifest.md shows, and drop it again: {command}"
