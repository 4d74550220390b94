"""Signatures of archives, as a publisher makes them with a key in KMS."""

import base64
import hashlib
from typing import Any


class Signer:
    """A KMS key for signing, as CI would use it."""

    def __init__(self, kms: Any) -> None:  # noqa: ANN401 - a boto3 client
        self._kms = kms
        self.arn = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["Arn"]

    def sign(self, archive: bytes) -> str:
        """Sign an archive's SHA-256; Base64, as the AWS CLI prints it."""
        digest = hashlib.sha256(archive).digest()
        signed = self._kms.sign(KeyId=self.arn, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
        return base64.b64encode(signed["Signature"]).decode()
