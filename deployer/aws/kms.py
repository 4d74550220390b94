"""KMS: verifies a drop's signature with the key that this deployer trusts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import MessageTypeType


class SignatureVerifier:
    """Verifies detached signatures."""

    def __init__(self, client: "KMSClient") -> None:
        self._client = client

    def verify(self, key: str, message: bytes, signature: bytes, kind: "MessageTypeType" = "RAW") -> bool:
        """Return whether a signature (DER) is that of an ECC_NIST_P256 key, over 4,096 bytes at most or a digest.

        Source: AWS KMS API reference, Verify: an invalid signature is an exception, never `false`.
        """
        try:
            self._client.verify(
                KeyId=key, Message=message, MessageType=kind, Signature=signature, SigningAlgorithm="ECDSA_SHA_256"
            )
        except self._client.exceptions.KMSInvalidSignatureException:
            return False
        return True
