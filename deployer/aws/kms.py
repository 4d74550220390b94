"""KMS: verifies a drop's signature with the key that this deployer trusts."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class SignatureVerifier:
    """Verifies detached signatures."""

    def __init__(self, client: "KMSClient") -> None:
        self._client = client

    def verify(self, key: str, signature: bytes, *, message: bytes = b"", sha256: str = "") -> bool:
        """Return whether a signature (DER, ECC_NIST_P256) is over a message (at most 4,096 bytes) or a digest (hex).

        Source: AWS KMS API reference, Verify: an invalid signature is an exception, never `false`.
        """
        try:
            self._client.verify(
                KeyId=key,
                Message=bytes.fromhex(sha256) or message,
                MessageType="DIGEST" if sha256 else "RAW",
                Signature=signature,
                SigningAlgorithm="ECDSA_SHA_256",
            )
        except self._client.exceptions.KMSInvalidSignatureException:
            return False
        return True
