"""The local AWS stores as S3 does: ranges of one version, multipart uploads, notifications."""

import hashlib
import os
from pathlib import Path

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.local import LocalAws
from tests.local.configuration import ACCOUNT, REGION
from tests.local.functions import heard, listener, permit
from tests.local.waiting import until

PART = 5 * 2**20


@pytest.fixture(scope="module")
def bucket(local_aws: LocalAws) -> str:
    """Return a versioned bucket."""
    client = local_aws.client("s3")
    client.create_bucket(Bucket="test-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket="test-bucket", VersioningConfiguration={"Status": "Enabled"})
    return "test-bucket"


def test_a_ranged_read_of_a_version_gives_that_range_of_that_version(local_aws: LocalAws, bucket: str) -> None:
    client = local_aws.client("s3")
    old = client.put_object(Bucket=bucket, Key="ranged", Body=b"0123456789")["VersionId"]
    client.put_object(Bucket=bucket, Key="ranged", Body=b"abcdefghij")
    answer = client.get_object(Bucket=bucket, Key="ranged", VersionId=old, Range="bytes=2-4")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (answer["Body"].read(), answer["ContentRange"], answer["ContentLength"]) == (b"234", "bytes 2-4/10", 3)
    assert client.get_object(Bucket=bucket, Key="ranged", VersionId=old, Range="bytes=-2")["Body"].read() == b"89"


def test_a_range_beyond_the_end_is_refused(local_aws: LocalAws, bucket: str) -> None:
    client = local_aws.client("s3")
    version = client.put_object(Bucket=bucket, Key="short", Body=b"0123")["VersionId"]
    with pytest.raises(ClientError, match="InvalidRange"):
        client.get_object(Bucket=bucket, Key="short", VersionId=version, Range="bytes=4-")


def test_a_multipart_upload_becomes_one_version(local_aws: LocalAws, bucket: str, tmp_path: Path) -> None:
    client, file = local_aws.client("s3"), tmp_path / "large"
    file.write_bytes(os.urandom(2 * PART + 7))
    client.upload_file(str(file), bucket, "large", Config=TransferConfig(PART, multipart_chunksize=PART))
    about = client.head_object(Bucket=bucket, Key="large")
    assert about["ETag"].endswith('-3"')
    spans = [f"bytes={start}-{start + PART - 1}" for start in range(0, about["ContentLength"], PART)]
    pieces = [
        client.get_object(Bucket=bucket, Key="large", VersionId=about["VersionId"], Range=span)["Body"].read()
        for span in spans
    ]
    assert hashlib.sha256(b"".join(pieces)).digest() == hashlib.sha256(file.read_bytes()).digest()


def test_every_way_to_create_an_object_is_notified_with_its_encoded_key_and_version(
    local_aws: LocalAws, bucket: str, tmp_path: Path
) -> None:
    client, name = local_aws.client("s3"), listener(local_aws)
    arn = local_aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    permit(local_aws, name, "s3.amazonaws.com", SourceArn=f"arn:aws:s3:::{bucket}", SourceAccount=ACCOUNT)
    wanted = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    client.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [wanted]}
    )
    version = client.put_object(Bucket=bucket, Key="my app/1+1.zip", Body=b"zip")["VersionId"]
    file = tmp_path / "large"
    file.write_bytes(bytes(PART + 1))
    client.upload_file(str(file), bucket, "multipart", Config=TransferConfig(PART, multipart_chunksize=PART))
    until(lambda: len(heard(local_aws, name)) == 2)
    records = [record for event in heard(local_aws, name) for record in event["Records"]]
    put, completed = sorted(records, key=lambda record: record["s3"]["object"]["sequencer"])
    assert (put["eventName"], completed["eventName"]) == ("ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload")
    assert (put["s3"]["object"]["key"], put["s3"]["object"]["versionId"]) == ("my+app/1%2B1.zip", version)
