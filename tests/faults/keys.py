"""KMS: keys that sign, and a check that refuses what they did not sign. Source: KMS API reference, Sign and Verify."""

import base64
import hashlib
import hmac
import secrets
from typing import Any

from tests.faults.wire import ServiceError

_LONGEST, _DIGEST = 4_096, 32
"""Bytes of a message, and of a SHA-256."""


class Kms:
    """The operations that publishers and the deployer use; a signature here is a MAC, whose secret nobody has."""

    def __init__(self) -> None:
        self.actor = "nobody"
        self._keys: dict[str, bytes] = {}

    def create_key(self, **_: object) -> dict[str, Any]:
        arn = f"arn:aws:kms:eu-central-1:123456789012:key/{len(self._keys)}"
        self._keys[arn] = secrets.token_bytes(16)
        return {"KeyMetadata": {"KeyId": arn.rpartition("/")[2], "Arn": arn}}

    def sign(self, KeyId: str, Message: str, MessageType: str = "RAW", **_: object) -> dict[str, Any]:
        signature = hmac.digest(self._keys[KeyId], _digest(base64.b64decode(Message), MessageType), hashlib.sha256)
        return {"KeyId": KeyId, "Signature": base64.b64encode(signature).decode()}

    def verify(self, KeyId: str, Message: str, Signature: str, MessageType: str = "RAW", **_: object) -> dict[str, Any]:
        if not hmac.compare_digest(self.sign(KeyId, Message, MessageType)["Signature"], Signature):
            raise ServiceError("KMSInvalidSignatureException", 400)
        return {"KeyId": KeyId, "SignatureValid": True}


def _digest(message: bytes, kind: str) -> bytes:
    """Return what is signed: KMS makes the digest of a message itself unless MessageType is DIGEST."""
    if len(message) > _LONGEST or (kind == "DIGEST" and len(message) != _DIGEST):
        raise ServiceError("ValidationException", 400)
    return message if kind == "DIGEST" else hashlib.sha256(message).digest()
