"""Clients with the caller's own credentials, and what AWS's errors mean to a person."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own name
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from deployer.cli.exits import Exit, StopError
from deployer.model.problem import Problem
from deployer.model.text import shortened

_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5, read_timeout=900)
"""A command may take as long as the controller can run: `validate` reads a whole archive."""
_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=900)
_LOGIN = "log in, for instance by `aws sso login` or `aws configure`, or set AWS_PROFILE"
_STALE = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_UNKNOWN_KEYS = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidAccessKeyId")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class Session:
    """Makes the clients of one run."""

    def __init__(self) -> None:
        with sentences():
            region = os.environ.get("AWS_REGION") or None  # as the AWS CLI does; boto3 knows AWS_DEFAULT_REGION alone
            self._session = boto3.Session(region_name=region)

    @property
    def place(self) -> str:
        """The target of the calls, as text."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        return endpoint or self._session.region_name or "no region"

    @property
    def boto(self) -> boto3.Session:
        """The session, whose clients have the settings below."""
        return self._session

    patient, once = _PATIENT, _ONCE


@contextmanager
def sentences() -> Iterator[None]:
    """Raise StopError, with a remedy, for refusals of AWS and errors of the network."""
    try:
        yield
    except ClientError as error:
        raise StopError([_refused(error)], Exit.UNKNOWN) from error
    except BotoCoreError as error:
        raise StopError([_not_reached(error)], Exit.UNKNOWN) from error


def code_of(error: ClientError) -> str:
    """Return AWS's code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: ClientError) -> Problem:
    code, message = code_of(error), shortened(str(error.response.get("Error", {}).get("Message", "")), 500)
    found = f"{error.operation_name} was refused: {code}" + (f": {message}" if message else "")
    if code in _STALE:
        return Problem.of("credentials", f"they have expired ({code})", "valid credentials", _LOGIN)
    if code in _UNKNOWN_KEYS:
        return Problem.of("credentials", f"AWS does not know them ({code})", "valid credentials", _LOGIN)
    if code in _DENIED:
        return Problem.of("permissions", found, "a role that may do this", "see the policies in docs/ci.md")
    return Problem.of("AWS", found, "an answer", "try again; `dropshift status` shows what has happened meanwhile")


def _not_reached(error: BotoCoreError) -> Problem:
    found = shortened(str(error), 500)
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return Problem.of("credentials", "none were found", "credentials of AWS", _LOGIN)
        case ProfileNotFound():
            return Problem.of(
                "AWS_PROFILE", found, "a profile of ~/.aws/config", "`aws configure list-profiles` lists them"
            )
        case NoRegionError():
            return Problem.of("region", "none is set", "a region", "set AWS_REGION, for instance to eu-west-1")
        case SSOTokenLoadError() | UnauthorizedSSOTokenError() | TokenRetrievalError() | CredentialRetrievalError():
            return Problem.of("credentials", found, "valid credentials", _LOGIN)
        case ConnectionError() | HTTPClientError():
            return Problem.of("connection", found, "an endpoint that answers", _way_to_the_endpoint())
        case _:
            return Problem.of("AWS", found, "a call that can be made", "check the variables AWS_… and ~/.aws/config")


def _way_to_the_endpoint() -> str:
    if "AWS_ENDPOINT_URL" in os.environ:
        return "AWS_ENDPOINT_URL is set: start what it names (`make local`), or unset it"
    return "check the network and AWS_REGION"
