"""The meaning of AWS's errors for the caller: another try, or an answer."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from botocore.exceptions import ClientError

_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429
_PASSING = frozenset(
    {
        *("Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestTimeout"),
        *("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
        *("ResourceConflictException", "ConditionalRequestConflict", "OperationAborted"),
        *("PreconditionFailed", "PreconditionFailedException"),
    }
)
"""Codes of refusals that end by themselves: throttling, time-outs, credentials that are renewed, and other writers.

Source: AWS SDKs reference guide, retry behavior; Amazon S3 and AWS Lambda API references, common errors.
"""


class ContendedError(RuntimeError):
    """Others write faster than we read; try again later."""


class RefusedError(Exception):
    """AWS refused a call and would refuse it again; the text names the call and AWS's words. Answer it."""


class EventNotHandledError(Exception):
    """AWS refuses for good what an event needs. An answer would lose the event; raised, it is kept as a dead letter."""


def refusals() -> AbstractContextManager[None]:
    """Raise RefusedError for a refusal that another try does not mend; let every other error pass as it is."""
    return _refused(lambda error: not is_transient(error))


def refusals_of_input() -> AbstractContextManager[None]:
    """Raise RefusedError for what AWS can never do: more memory than the account may have, for instance.

    A refusal for another reason, such as a permission, may end within minutes and passes as it is.
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


def is_transient(error: ClientError) -> bool:
    """Return whether a refusal ends by itself."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS or error.response["Error"]["Code"] in _PASSING


def _in_words(error: ClientError) -> str:
    found = error.response["Error"]
    return f"AWS refused {error.operation_name}: {found['Code']}: {found['Message']}"
