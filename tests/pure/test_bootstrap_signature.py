"""Our Signature Version 4 is botocore's, for whatever a key, a version or a token may hold."""

from datetime import UTC, datetime
from unittest.mock import patch

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bootstrap.loader.sigv4 import Credentials, Signer, Target, encode

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)
SECRET = st.text(st.sampled_from("ABCabc123+/="), min_size=1, max_size=40)
REGION = st.sampled_from(["eu-central-1", "us-gov-west-1"])
MOMENT = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - naive bounds
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@settings(max_examples=500, deadline=None)
@given(TEXT, TEXT, SECRET, SECRET, st.none() | SECRET, REGION, MOMENT)
@example("a b/../c//d+e=f&g?h#i%20", "null", "K", "s", None, "eu-central-1", NEW_YEAR)
@example("ü/\U0001f600", "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "K", "s", "t/+=", "eu-central-1", NEW_YEAR)
def test_a_request_is_signed_as_botocore_signs_it(  # noqa: PLR0913, PLR0917 - one argument a thing that varies
    key: str, version: str, access: str, secret: str, token: str | None, region: str, moment: datetime
) -> None:
    target = Target("bucket.example:8080", f"/bucket/{encode(key, b'/')}", (("versionId", version),))
    extra = {"range": "bytes=0-99", "x-amz-expected-bucket-owner": "123456789012"}
    time = moment.strftime("%Y%m%dT%H%M%SZ")
    ours = Signer(Credentials(access, secret, token or ""), region).headers(target, extra, time)
    theirs = AWSRequest("GET", f"http://{target.host}{target.path}?{target.query_string}", headers=dict(extra))
    with patch("botocore.auth.get_current_datetime", return_value=moment):
        S3SigV4Auth(TheirCredentials(access, secret, token), "s3", region).add_auth(theirs)
    assert {"host": target.host, **{name.lower(): value for name, value in theirs.headers.items()}} == ours


def test_the_derived_key_changes_with_the_day() -> None:
    target = Target("host", "/key", ())
    signer = Signer(Credentials("K", "s", ""), "eu-central-1")
    days = [signer.headers(target, {}, f"2026010{day}T000000Z")["authorization"] for day in (1, 2, 1)]
    assert days[0] == days[2] != days[1]
