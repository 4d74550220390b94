"""Signatures of archives, as a publisher makes them with a key in KMS."""

import base64
import hashlib
from typing import Any

from deployer.model.drop import signed_text


class Signer:
    """A KMS key for signing, as CI would use it."""

    def __init__(self, kms: Any) -> None:  # noqa: ANN401 - a boto3 client
        self._kms = kms
        self.arn = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]

    def sign(self, archive: bytes, key: str) -> str:
        """Sign an archive for the key that it is dropped under; Base64, as the AWS CLI prints it."""
        return self._sign(signed_text(key, hashlib.sha256(archive).hexdigest()), "RAW")

    def sign_bytes_alone(self, archive: bytes) -> str:
        """Sign an archive as it was done before a signature named its application and release."""
        return self._sign(hashlib.sha256(archive).digest(), "DIGEST")

    def _sign(self, message: bytes, kind: str) -> str:
        signed = self._kms.sign(KeyId=self.arn, Message=message, MessageType=kind, SigningAlgorithm="ECDSA_SHA_256")
        return base64.b64encode(signed["Signature"]).decode()
