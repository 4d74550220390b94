"""Pure: Signature Version 4 for a GET without a body.

Follows "Signature calculations for the Authorization header" of the Amazon S3 API reference, with S3's rule that the
path is encoded once and not normalised.
"""

import hmac
from hashlib import sha256
from typing import NamedTuple

EMPTY = sha256(b"").hexdigest()
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Credentials(NamedTuple):
    """The credentials that sign a request; `token` is empty for long-lived keys."""

    access_key: str
    secret_key: str
    token: str


class Target(NamedTuple):
    """The request to sign: the Host header, the path as `encode` returns it, and the decoded query."""

    host: str
    path: str
    query: tuple[tuple[str, str], ...]

    @property
    def query_string(self) -> str:
        """Return the query, encoded and sorted, as it is signed and sent."""
        return "&".join(sorted(f"{encode(name)}={encode(value)}" for name, value in self.query))


def encode(text: str, safe: bytes = b"") -> str:
    """Percent-encode UTF-8 by RFC 3986; `safe` holds further bytes to leave alone, "/" for a key."""
    keep = UNRESERVED | set(safe)
    return "".join(chr(byte) if byte in keep else f"%{byte:02X}" for byte in text.encode())


class Signer:
    """Signs GETs for one region; keeps the day's derived key."""

    def __init__(self, credentials: Credentials, region: str, service: str = "s3") -> None:
        self._credentials = credentials
        self._scope = f"{region}/{service}/aws4_request"
        self._day, self._key = "", b""

    def headers(self, target: Target, extra: dict[str, str], time: str) -> dict[str, str]:
        """Return every header to send, `extra` (lower-case names) among them; `time` is `YYYYMMDDTHHMMSSZ` in UTC."""
        signed = {"host": target.host, **extra, "x-amz-content-sha256": EMPTY, "x-amz-date": time}
        if self._credentials.token:
            signed["x-amz-security-token"] = self._credentials.token
        names = ";".join(sorted(signed))
        canonical = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in sorted(signed))
        request = f"GET\n{target.path}\n{target.query_string}\n{canonical}\n{names}\n{EMPTY}"
        scope = f"{time[:8]}/{self._scope}"
        text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._signing_key(time[:8]), text.encode(), "sha256").hex()
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return signed

    def _signing_key(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self._credentials.secret_key}".encode()
            for word in (day, *self._scope.split("/")):
                key = hmac.digest(key, word.encode(), "sha256")
            self._day, self._key = day, key
        return self._key
