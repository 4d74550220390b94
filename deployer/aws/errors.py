"""The meaning of AWS's errors for the caller: another try, or an answer."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from deployer import telemetry
from deployer.model.health import Unread

_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown"})
_PASSING = frozenset(
    {
        *("Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestTimeout"),
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
        *("ResourceConflictException", "ConditionalRequestConflict", "OperationAborted"),
        *("PreconditionFailed", "PreconditionFailedException"),
    }
)
"""Codes of transient refusals: throttling, time-outs, credentials that are renewed, and other writers.

Source: AWS SDKs reference guide, retry behavior; Amazon S3 and AWS Lambda API references, common errors.
"""


class ContendedError(RuntimeError):
    """Others write faster than we read; try again later."""


class RefusedError(Exception):
    """AWS refused a call and would refuse it again. The text has the call and AWS's reason, for the answer."""


class EventNotHandledError(Exception):
    """AWS permanently refuses a call that an event needs. Raised, it makes Lambda keep the event as a dead letter."""


def refusals() -> AbstractContextManager[None]:
    """Raise RefusedError for a refusal that a retry would not change; let every other error pass."""
    return _refused(lambda error: not is_transient(error))


def refusals_of_input() -> AbstractContextManager[None]:
    """Raise RefusedError for a refusal of the input: more memory than the account may have, for instance.

    A refusal for another reason, such as a permission, may end within minutes; that error passes.
    """
    return _refused(lambda error: error.response["Error"]["Code"] == "InvalidParameterValueException")


@contextmanager
def _refused(lasts: Callable[[ClientError], bool]) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if not lasts(error):
            raise
        raise RefusedError(_in_words(error)) from error


def or_unread[T](event: str, ask: Callable[[], T], **about: str) -> T | Unread:
    """Return what a question to CloudWatch found; Unread, with a line in the log, when it was not answered in full."""
    try:
        return ask()
    except (ClientError, BotoCoreError, TimeoutError) as error:
        telemetry.warn(event, reason=str(error), **about)
        return Unread(reason=str(error))


def is_transient(error: ClientError) -> bool:
    """Return whether a later retry may succeed."""
    code, status = _code_and_status(error)
    return status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS or code in _PASSING


def is_throttled(error: Exception) -> bool:
    """Return whether AWS said "not yet": too many calls, of this account or of all that S3 serves at a time."""
    code, status = _code_and_status(error) if isinstance(error, ClientError) else ("", 0)
    return status == _TOO_MANY_REQUESTS or code in _THROTTLED


def _code_and_status(error: ClientError) -> tuple[str, int]:
    return error.response["Error"]["Code"], error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _in_words(error: ClientError) -> str:
    found = error.response["Error"]
    return f"AWS refused {error.operation_name}: {found['Code']}: {found['Message']}"
