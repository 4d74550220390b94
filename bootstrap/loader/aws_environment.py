"""Settings from the execution environment: the endpoint, the credentials, and how many processes load."""

import json
import os
import ssl
from urllib.parse import urlsplit

from ..failures import LoadError, describe
from ..pointer import Pointer
from .fetch import TIMEOUT, Endpoint
from .parts import FIRST
from .sigv4 import Credentials, Target, encode

SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
)
"""Domains of the partitions other than `aws`, by the beginning of their Regions' names."""
FIPS, DUAL_STACK = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
ONE_PROCESSOR = 1769
"""MB of memory that come with one vCPU."""
LITTLE = 2 * FIRST
"""Bytes up to which a second process is not worth its start."""


def endpoint(pointer: Pointer) -> Endpoint:
    """Return the endpoint for the pointer's bucket.

    `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` names a stand-in, which is asked path-style. Otherwise the region's
    endpoint is asked virtual-hosted, or path-style when dots in the bucket's name would defeat the certificate.
    """
    given = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    url = urlsplit(given or f"https://{_regional_host(pointer.bucket)}")
    secure = url.scheme == "https"
    host = url.hostname or ""
    by_path = bool(given) or "." in pointer.bucket
    prefix = f"{url.path.rstrip('/')}/{encode(pointer.bucket)}" if by_path else ""
    query = (("versionId", pointer.version),) if pointer.version else ()
    target = Target(url.netloc, f"{prefix}/{encode(pointer.key, b'/')}", query)
    return Endpoint(host, url.port or (443 if secure else 80), _trust() if secure else None, target)


def region() -> str:
    """Return the region the function runs in."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def credentials(pointer: Pointer) -> Credentials:
    """Return the role's credentials: from the environment, or under SnapStart from the container endpoint."""
    env = os.environ
    if env.get("AWS_ACCESS_KEY_ID"):
        return Credentials(
            env["AWS_ACCESS_KEY_ID"], env.get("AWS_SECRET_ACCESS_KEY", ""), env.get("AWS_SESSION_TOKEN", "")
        )
    if env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return _container_credentials(env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], pointer)
    raise LoadError(
        "NoCredentials", f"{describe(pointer)}: no credentials in the environment; give the function a role"
    )


def workers(size: int) -> int:
    """Return the number of loading processes for `size` bytes: one with little to do or few processors, else two.

    A function has one vCPU per 1,769 MB of memory (AWS Lambda developer guide, "Configure memory").
    """
    memory = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or 0)
    alone = 0 < memory < ONE_PROCESSOR or len(os.sched_getaffinity(0)) == 1 or size <= LITTLE
    return 1 if alone else 2


def _regional_host(bucket: str) -> str:
    suffix = next((suffix for start, suffix in SUFFIXES if region().startswith(start)), "amazonaws.com")
    fips, dual_stack = (os.environ.get(name, "").lower() == "true" for name in (FIPS, DUAL_STACK))
    service = f"s3{'-fips' * fips}{'.dualstack' * dual_stack}.{region()}.{suffix}"
    return service if "." in bucket else f"{bucket}.{service}"


def _trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)


def _container_credentials(uri: str, pointer: Pointer) -> Credentials:
    from http.client import HTTPConnection  # noqa: PLC0415 - costs 20 ms, and only SnapStart needs it

    url = urlsplit(uri)
    headers = {"Authorization": _container_token()}
    connection = HTTPConnection(url.hostname or "", url.port or 80, timeout=TIMEOUT)
    try:
        connection.request("GET", url.path or "/", headers=headers)
        given = json.load(connection.getresponse())
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["Token"])
    except (OSError, ValueError, KeyError) as error:
        problem = f"{describe(pointer)}: the container credentials endpoint failed: {error!r}"
        raise LoadError("NoCredentials", problem) from None
    finally:
        connection.close()


def _container_token() -> str:
    file = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if not file:
        return os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    with open(file) as token:
        return token.read()
