"""AWS's errors sorted by what happens next: another try, or an answer.

Source: AWS SDKs reference guide, retry behavior; Amazon S3 and AWS Lambda API references, common errors.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from deployer.aws.errors import RefusedError, is_throttled, is_transient, refusals, refusals_of_input


def error(code: str, status: int | None = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "because"}}
    if status is not None:
        answer["ResponseMetadata"] = {"HTTPStatusCode": status}
    return ClientError(answer, "PutObject")


TRANSIENT = [
    ("Throttling", 400),
    ("ThrottlingException", 400),
    ("RequestLimitExceeded", 503),
    ("SlowDown", 503),
    ("TooManyRequestsException", 429),
    ("InternalError", 500),
    ("RequestTimeout", 400),
    ("ExpiredToken", 400),
    ("ExpiredTokenException", 403),
    ("RequestExpired", 400),
    ("ResourceConflictException", 409),
    ("ConditionalRequestConflict", 409),
    ("OperationAborted", 409),
    ("PreconditionFailed", 412),
    ("PreconditionFailedException", 412),
    ("ExpiredToken", None),
]
LASTING = [("AccessDenied", 403), ("InvalidParameterValueException", 400), ("NoSuchKey", 404), ("Unknown", None)]


@pytest.mark.parametrize(("code", "status"), TRANSIENT)
def test_a_transient_refusal_is_raised_for_another_try(code: str, status: int | None) -> None:
    assert is_transient(error(code, status))
    with pytest.raises(ClientError), refusals():
        raise error(code, status)


@pytest.mark.parametrize(("code", "status"), LASTING)
def test_a_refusal_that_lasts_is_an_answer_with_the_call_and_aws_s_reason(code: str, status: int | None) -> None:
    assert not is_transient(error(code, status))
    with pytest.raises(RefusedError, match=rf"^AWS refused PutObject: {code}: because$"), refusals():
        raise error(code, status)


@pytest.mark.parametrize(("code", "status"), [*TRANSIENT, *LASTING])
def test_only_a_refusal_of_the_input_is_an_answer_where_permissions_may_be_mended(
    code: str, status: int | None
) -> None:
    refused = RefusedError if code == "InvalidParameterValueException" else ClientError
    with pytest.raises(refused), refusals_of_input():
        raise error(code, status)


@pytest.mark.parametrize(
    ("raised", "throttled"),
    [
        (error("Throttling"), True),
        (error("ThrottlingException"), True),
        (error("RequestLimitExceeded", 503), True),
        (error("SlowDown", 503), True),
        (error("SlowDown", None), True),
        (error("TooManyRequestsException", 429), True),
        (error("InternalError", 500), False),
        (error("AccessDenied", 403), False),
        (error("AccessDenied", None), False),
        (ReadTimeoutError(endpoint_url="https://s3"), False),
    ],
)
def test_throttling_is_distinguished_from_every_other_error(raised: Exception, *, throttled: bool) -> None:
    assert is_throttled(raised) is throttled
