"""Archives and bundles in S3: whole however they are cut, and nothing left of an upload that failed."""

import io
import tracemalloc
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from deployer.aws import releases_bucket, s3, upload
from deployer.aws.bundles_bucket import BundlesBucket
from deployer.aws.releases_bucket import ReleasesBucket
from deployer.aws.upload import BundleGoneError
from deployer.model.profile import LARGEST, Profile
from deployer.model.release import Bundle
from tests.faults.account import Account
from tests.faults.wiring import connected
from tests.pure.values import NOON, SETTINGS, Client, drop

SERVICE = "s3"
LATE = {"Bucket": SETTINGS.releases_bucket, "Key": "hello/1.4.0.zip", "VersionId": "v1"}


def body(data: bytes) -> dict[str, Any]:
    return {"Body": StreamingBody(io.BytesIO(data), len(data))}


@pytest.fixture
def releases(client: Client) -> ReleasesBucket:
    return ReleasesBucket(client, SETTINGS)


def test_an_archive_is_read_in_ranges_to_its_end(cloudwatch: Stubber, releases: ReleasesBucket) -> None:
    archive = releases.archive(drop(), 10)
    assert (archive.size, archive.name) == (10, "hello/1.4.0.zip")
    cloudwatch.add_response("get_object", body(b"234"), {**LATE, "Range": "bytes=2-4"})
    assert archive.read_at(2, 3) == b"234"
    cloudwatch.add_response("get_object", body(b"89"), {**LATE, "Range": "bytes=8-9"})
    assert archive.read_at(8, 5) == b"89"
    assert archive.read_at(10, 1) == archive.read_at(11, 1) == archive.read_at(5, 0) == b""
    cloudwatch.add_response("get_object", body(b"9"), {**LATE, "Range": "bytes=9-9"})
    assert archive.read_at(9, 1) == b"9"


def test_a_body_that_is_cut_short_is_asked_for_four_times(cloudwatch: Stubber, releases: ReleasesBucket) -> None:
    archive = releases.archive(drop(), 10)
    for data in (b"0", b"01", b"", b"012"):
        cloudwatch.add_response("get_object", body(data), {**LATE, "Range": "bytes=0-2"})
    assert archive.read_at(0, 3) == b"012"
    for _ in range(4):
        cloudwatch.add_response("get_object", body(b"01"), {**LATE, "Range": "bytes=0-2"})
    with pytest.raises(IncompleteReadError, match="2 read, but total bytes expected is 3"):
        archive.read_at(0, 3)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 12, 13])
def test_an_archive_comes_in_order_and_whole_whatever_its_size(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases_bucket, "PART", 3)
    content = bytes(range(size))
    account = Account()
    settings = SETTINGS.model_copy(update={"releases_bucket": "releases"})
    client = connected(lambda: account).client("s3")
    put = client.put_object(Bucket="releases", Key="hello/1.0.zip", Body=content)
    found = drop("hello/1.0.zip", put["VersionId"]).model_copy(update={"bucket": "releases"})
    parts = list(ReleasesBucket(client, settings).archive(found, size).stream())
    assert [len(part) for part in parts] == [min(3, size - at) for at in range(0, size, 3)]
    assert b"".join(parts) == content


# --- bundles ----------------------------------------------------------------------------------------------------------

KEY = "bundles/hello/1.4.0/abc-python3.13-x86_64.tar.zst"


@pytest.fixture
def bundles(account: Account) -> BundlesBucket:
    client = connected(lambda: account).client("s3")
    return BundlesBucket(client, SETTINGS.model_copy(update={"bundles_bucket": "bundles"}))


def stored(account: Account, content: bytes, key: str = KEY) -> Bundle:
    """Put a bundle whose index and recipe are its last three bytes."""
    put = account.s3.put_object("bundles", key, content)
    return Bundle(
        key=key,
        version_id=put["VersionId"],
        size=len(content),
        offset=len(content) - 3,
        index_size=2,
        index_sha256="",
        unpacked=1,
        tail_sha256=sha256(content[-3:]).hexdigest(),
    )


@pytest.mark.parametrize("chunks", [[], [b"0"], [b"0123"], [b"01234567"], [b"012", b"3456789", b"", b"ab"]])
def test_what_is_written_in_parts_is_one_object_of_the_same_bytes(
    account: Account, bundles: BundlesBucket, chunks: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PART", 4)
    with bundles.upload(KEY) as sending:
        for chunk in chunks:
            sending.write(chunk)
        sending.complete()
    content = b"".join(chunks)
    assert account.s3.body("bundles", KEY, sending.version_id) == content
    parts = [call for call in account.calls if call.operation == "UploadPart"]
    assert sorted(len(call.params["Body"]) for call in parts)[1:] == [4] * (len(content) // 4)
    assert account.s3.buckets["bundles"].uploads == {}


def test_copies_and_new_bytes_keep_their_order(
    account: Account, bundles: BundlesBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PART", 4)
    earlier = stored(account, b"abcdefghij")
    expected = b""
    with bundles.upload("bundles/hello/2", earlier) as sending:
        for at in range(10):
            sending.write(b"%d" % at)
            sending.copy(at, 1, sha256(b"abcdefghij"[at : at + 1]).hexdigest())
            expected += b"%d" % at + b"abcdefghij"[at : at + 1]
        sending.complete()
    assert account.s3.body("bundles", "bundles/hello/2", sending.version_id) == expected


class Endless:
    """A client of S3 that keeps nothing: every range is of zeros."""

    exceptions = SimpleNamespace(NoSuchUpload=LookupError)

    def __init__(self) -> None:
        self.sent = 0

    @staticmethod
    def create_multipart_upload(**_: object) -> dict[str, Any]:
        return {"UploadId": "1"}

    def upload_part(self, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - as S3 takes
        self.sent += len(given["Body"])
        return {"ETag": "1"}

    @staticmethod
    def complete_multipart_upload(**_: object) -> dict[str, Any]:
        return {"VersionId": "2"}

    @staticmethod
    def get_object(**given: Any) -> dict[str, Any]:  # noqa: ANN401 - as S3 takes
        first, last = map(int, given["Range"].removeprefix("bytes=").split("-"))
        return body(bytes(last - first + 1))


def test_a_copy_takes_the_memory_of_a_few_frames_and_parts_however_large_the_bundle_is() -> None:
    frame, frames = 2 << 20, 400
    endless, digest = Endless(), sha256(bytes(frame)).hexdigest()
    client: Any = endless
    earlier = upload.StoredBundle(client, "bundles", stored(Account(), b"abcd"))
    tracemalloc.start()
    try:
        with upload.Upload(client, "bundles", KEY, earlier) as sending:
            for number in range(frames):
                sending.copy(number * frame, frame, digest)
            sending.complete()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert endless.sent == frame * frames
    assert peak < 8 * s3.PART


@pytest.mark.parametrize("digest", ["0" * 64, sha256(b"bc").hexdigest()])
def test_a_copy_that_is_not_what_was_made_leaves_no_object_and_no_parts(
    account: Account, bundles: BundlesBucket, digest: str
) -> None:
    earlier = stored(account, b"abcdefghij")
    with bundles.upload("bundles/hello/2", earlier) as sending:
        sending.copy(0, 2, digest)
        with pytest.raises(BundleGoneError, match=KEY):
            sending.complete()
    assert "bundles/hello/2" not in account.s3.buckets["bundles"].objects
    assert account.s3.buckets["bundles"].uploads == {}


def test_nothing_is_copied_where_there_is_no_earlier_bundle(account: Account, bundles: BundlesBucket) -> None:
    with pytest.raises(BundleGoneError), bundles.upload(KEY) as sending:
        sending.copy(0, 2, "0" * 64)
    assert account.s3.buckets["bundles"].uploads == {}


def test_the_end_of_a_bundle_is_read_only_where_it_can_be(account: Account, bundles: BundlesBucket) -> None:
    bundle = stored(account, b"abcdefghij")
    assert bundles.stored(bundle).tail() == b"hij"
    assert bundles.stored(
        bundle.model_copy(update={"offset": 0, "tail_sha256": sha256(b"abcdefghij").hexdigest()})
    ).tail()
    for wrong in (
        {"offset": -1},
        {"offset": 10},
        {"offset": 11},
        {"size": 11},
        {"size": 2**40},
        {"tail_sha256": "0" * 64},
        {"version_id": "gone"},
        {"key": f"{KEY}.gone"},
    ):
        with pytest.raises(BundleGoneError, match=KEY):
            bundles.stored(bundle.model_copy(update=wrong)).tail()


@pytest.mark.parametrize("size", [15 << 20, (15 << 20) + 1])
def test_the_end_of_a_bundle_is_at_most_one_message_to_the_sandbox(
    account: Account, bundles: BundlesBucket, size: int
) -> None:
    content = bytes(size)
    bundle = stored(account, content)
    whole = bundle.model_copy(update={"offset": 0, "tail_sha256": sha256(content).hexdigest()})
    if size == 15 << 20:
        assert bundles.stored(whole).tail() == content
    else:
        with pytest.raises(BundleGoneError):
            bundles.stored(whole).tail()


def test_a_bundle_is_found_by_its_location_while_it_is_there_with_its_size(
    account: Account, bundles: BundlesBucket
) -> None:
    bundle = stored(account, b"abcdefghij")
    assert bundles.find_bundle(KEY) is None
    bundles.save_location(bundle)
    assert "bundles/hello/1.4.0/abc-python3.13-x86_64.json" in account.s3.buckets["bundles"].objects
    assert bundles.find_bundle(KEY) == bundle
    assert bundles.exists(KEY, bundle.version_id)
    assert not bundles.exists(KEY, bundle.version_id, 9)
    bundles.save_location(bundle.model_copy(update={"size": 9}))
    assert bundles.find_bundle(KEY) is None
    bundles.save_location(bundle.model_copy(update={"version_id": "gone"}))
    assert bundles.find_bundle(KEY) is None


def test_a_profile_that_cannot_be_used_is_empty(account: Account, bundles: BundlesBucket) -> None:
    place, profile = "profiles/hello/python3.13.json", Profile(touched=("app.py",), milliseconds=(1,))
    assert bundles.profile("hello", "python3.13") == Profile()
    bundles.save_profile("hello", "python3.13", profile)
    assert list(account.s3.buckets["bundles"].objects) == [place]
    assert bundles.profile("hello", "python3.13") == profile
    assert bundles.profile("hello", "python3.14") == bundles.profile("orders", "python3.13") == Profile()
    account.s3.put_object("bundles", place, b"no profile")
    assert bundles.profile("hello", "python3.13") == Profile()
    text = profile.model_dump_json().encode()
    account.s3.put_object("bundles", place, text.ljust(LARGEST))
    assert bundles.profile("hello", "python3.13") == profile
    account.s3.put_object("bundles", place, text.ljust(LARGEST + 1))
    assert bundles.profile("hello", "python3.13") == Profile()


SUFFIX = "-python3.13-x86_64.tar.zst"


@pytest.mark.parametrize(
    ("key", "believed"), [(KEY, True), (KEY.replace("hello", "orders"), False), (KEY.replace("3.13", "3.14"), False)]
)
def test_the_newest_bundle_is_one_of_the_application_and_of_the_runtime(
    account: Account, bundles: BundlesBucket, key: str, *, believed: bool
) -> None:
    bundle = stored(account, b"abcdefghij", key)
    assert bundles.newest("hello", SUFFIX) is None
    bundles.save_newest("hello", SUFFIX, bundle)
    assert "profiles/hello/newest-python3.13-x86_64.json" in account.s3.buckets["bundles"].objects
    assert bundles.newest("hello", SUFFIX) == (bundle if believed else None)
    assert bundles.newest("orders", SUFFIX) is None
    account.s3.put_object("bundles", "profiles/hello/newest-python3.13-x86_64.json", b"no bundle")
    assert bundles.newest("hello", SUFFIX) is None


def test_every_version_of_an_application_s_bundles_is_listed_and_deleted_alone(
    account: Account, bundles: BundlesBucket
) -> None:
    first, second = stored(account, b"abcdefghij"), stored(account, b"abcd")
    stored(account, b"abc", KEY.replace("hello", "orders"))
    found = list(bundles.object_versions("hello"))
    assert [(one.key, one.version_id, one.size) for one in found] == [
        (KEY, first.version_id, 10),
        (KEY, second.version_id, 4),
    ]
    assert {one.modified for one in found} == {account.now.replace(microsecond=0)}
    bundles.delete(found[0])
    assert list(bundles.object_versions("hello")) == found[1:]


def test_bytes_are_marked_as_rolled_back_for_one_application(account: Account, bundles: BundlesBucket) -> None:
    bundles.mark_rolled_back("hello", "a" * 64, "1.4.0")
    assert list(account.s3.buckets["bundles"].objects) == [f"records/hello/rolled-back/{'a' * 64}"]
    assert bundles.rolled_back_as("hello", "a" * 64) == "1.4.0"
    assert bundles.rolled_back_as("hello", "b" * 64) is None
    assert bundles.rolled_back_as("orders", "a" * 64) is None


# --- drops and their signatures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "force", "signature"),
    [
        ({}, False, None),
        ({"dropshift-force": "true"}, True, None),
        ({"dropshift-force": "True"}, True, None),
        ({"dropshift-force": "yes"}, False, None),
        ({"dropshift-signature": "abc"}, False, "abc"),
    ],
)
def test_a_drop_s_metadata_are_read_of_its_own_version(
    cloudwatch: Stubber, releases: ReleasesBucket, metadata: dict[str, str], signature: str | None, *, force: bool
) -> None:
    answer = {"ContentLength": 10, "LastModified": NOON, "Metadata": metadata}
    cloudwatch.add_response("head_object", answer, LATE)
    head = releases.head(drop())
    assert head is not None
    assert (head.size, head.modified, head.force, head.signature) == (10, NOON, force, signature)


@pytest.mark.parametrize("code", ["404", "405"])
def test_a_drop_that_is_not_there_has_no_metadata(cloudwatch: Stubber, releases: ReleasesBucket, code: str) -> None:
    cloudwatch.add_client_error("head_object", code, expected_params=LATE)
    assert releases.head(drop()) is None
    cloudwatch.add_client_error("head_object", code)
    assert releases.latest("hello/1.4.0.zip") is None


def test_the_newest_version_of_a_drop_is_found(cloudwatch: Stubber, releases: ReleasesBucket) -> None:
    where = {"Bucket": SETTINGS.releases_bucket, "Key": "hello/1.4.0.zip"}
    cloudwatch.add_response("head_object", {"VersionId": "v1"}, where)
    assert releases.latest("hello/1.4.0.zip") == drop()


def test_a_signature_beside_a_drop_is_a_short_text(cloudwatch: Stubber, releases: ReleasesBucket) -> None:
    where = {"Bucket": SETTINGS.releases_bucket, "Key": "hello/1.4.0.zip.sig", "Range": "bytes=0-1023"}
    cloudwatch.add_response("get_object", body(b"abc\xff"), where)
    assert releases.signature_beside(drop()) == "abc\N{REPLACEMENT CHARACTER}"
    cloudwatch.add_client_error("get_object", "NoSuchKey")
    assert releases.signature_beside(drop()) is None
