"""Records and overviews in S3: every change is made upon what is there, and none is lost."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from deployer.aws.errors import ContendedError
from deployer.aws.records import Records
from deployer.model.overview import Overview
from deployer.model.record import Record
from deployer.model.status import Status
from tests.faults.account import Account
from tests.faults.wiring import connected
from tests.pure.values import NOON, SETTINGS, drop

RECORD = Record.received(drop(), NOON)
KEY = f"records/hello/{RECORD.release_id}.json"
OVERVIEW = "records/_overview/hello"


@pytest.fixture
def records(account: Account) -> Records:
    client = connected(lambda: account).client("s3")
    return Records(client, SETTINGS.model_copy(update={"bundles_bucket": "bundles"}))


def inspected(record: Record) -> Record:
    return record.with_entry(NOON, "inspected", status=Status.INSPECTED)


def objects(account: Account) -> dict[str, int]:
    """The number of versions of each object."""
    return {key: len(versions) for key, versions in account.s3.buckets["bundles"].objects.items()}


def test_a_record_is_begun_once_and_the_first_one_stays(account: Account, records: Records) -> None:
    assert records.read("hello", RECORD.release_id) is None
    assert records.begin(RECORD) == RECORD
    assert records.begin(inspected(RECORD)) == RECORD
    assert records.read("hello", RECORD.release_id) == RECORD
    assert records.read("orders", RECORD.release_id) is None
    assert objects(account) == {KEY: 1}


def test_a_record_is_json_that_a_person_can_read(account: Account, records: Records) -> None:
    records.begin(RECORD)
    body = account.s3.buckets["bundles"].objects[KEY][0].body
    assert json.loads(body)["release"] == RECORD.release
    assert body.startswith(b'{\n "')
    sent = next(call.params for call in account.calls if call.operation == "PutObject")
    assert sent["ContentType"] == "application/json"


def test_a_change_that_changes_nothing_writes_nothing(account: Account, records: Records) -> None:
    records.begin(RECORD)
    assert records.change(RECORD, lambda one: one) == RECORD
    assert objects(account) == {KEY: 1}
    assert records.change(RECORD, inspected) == inspected(RECORD)
    assert records.read("hello", RECORD.release_id) == inspected(RECORD)


def test_a_deleted_record_is_restored_from_what_the_caller_knows(account: Account, records: Records) -> None:
    assert records.change(RECORD, lambda one: one) == RECORD
    assert records.read("hello", RECORD.release_id) == RECORD
    begun = RECORD.model_copy(update={"version_id": ""})
    account.s3.put_object("bundles", KEY, begun.model_dump_json().encode())
    assert records.change(RECORD, inspected).version_id == RECORD.version_id


def always_overtaken(account: Account, write: Callable[[int], None]) -> list[int]:
    """Have somebody write just before each of the deployer's writes; return a list of how often that was."""
    times: list[int] = []

    def pause() -> None:
        if account.calls[-1].operation == "PutObject":
            times.append(len(times))
            write(len(times))

    account.pause = pause
    return times


def test_whoever_is_always_overtaken_gives_up_after_ten_tries(account: Account, records: Records) -> None:
    records.begin(RECORD)
    records.change_overview("hello", lambda one: one.begun("a" * 32))

    def write(number: int) -> None:
        other = RECORD.with_entry(NOON, f"theirs {number}").model_dump_json().encode()
        account.s3.put_object("bundles", KEY, other)
        account.s3.put_object("bundles", OVERVIEW, Overview().begun(f"{number:032x}").model_dump_json().encode())

    times = always_overtaken(account, write)
    with pytest.raises(ContendedError, match=rf"^the record of release {RECORD.release_id} changed 10 times while"):
        records.change(RECORD, inspected)
    assert len(times) == 10
    with pytest.raises(ContendedError, match=r"^the overview of hello changed 10 times while it was written$"):
        records.change_overview("hello", lambda one: one.begun("b" * 32))
    assert len(times) == 20


def test_whoever_is_overtaken_once_writes_upon_what_is_there(account: Account, records: Records) -> None:
    records.begin(RECORD)
    theirs = RECORD.with_entry(NOON, "theirs")

    def write(number: int) -> None:
        if number == 1:
            account.s3.put_object("bundles", KEY, theirs.model_dump_json().encode())

    always_overtaken(account, write)
    assert records.change(RECORD, inspected) == inspected(theirs)


def test_a_record_that_can_be_neither_begun_nor_read_is_contended(account: Account, records: Records) -> None:
    def write(_number: int) -> None:
        account.s3.put_object("bundles", KEY, b"theirs")

    def pause() -> None:
        stored = account.s3.buckets["bundles"].objects
        if account.calls[-1].operation == "PutObject":
            write(1)
        else:
            stored.pop(KEY, None)

    account.pause = pause
    with pytest.raises(ContendedError, match=r"changed 10 times while it was written$"):
        records.begin(RECORD)


def test_an_error_that_is_no_condition_is_raised(account: Account, records: Records) -> None:
    other = Records(connected(lambda: account).client("s3"), SETTINGS.model_copy(update={"bundles_bucket": "bundles"}))
    other._client.meta.events.register(  # noqa: SLF001 - its own client's next request is of another account
        "before-parameter-build.s3", lambda params, **_: params.update(ExpectedBucketOwner="000000000000")
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        other.begin(RECORD)
    assert objects(account) == {}
    assert records.read("hello", RECORD.release_id) is None


def test_the_records_that_were_written_last_are_read_newest_first(account: Account, records: Records) -> None:
    made = [Record.received(drop(f"hello/{number}.zip"), NOON) for number in range(4)]
    for one in (*made[1:], made[0]):
        records.begin(one)
        account.pass_time(account.now + timedelta(seconds=2))
    records.begin(Record.received(drop("orders/1.zip"), NOON))
    account.s3.put_object("bundles", "records/hello/rolled-back/abc", b"1.0")
    assert records.newest("hello", 2) == [made[0], made[3]]
    assert records.newest("hello", 9) == [made[0], made[3], made[2], made[1]]
    assert records.newest("nobody", 9) == []


def test_an_overview_is_changed_upon_what_is_there_and_a_lost_one_is_restored(
    account: Account, records: Records
) -> None:
    assert records.overview("hello") == Overview()
    records.begin(RECORD)
    assert records.overview("hello").under_way == (RECORD.release_id,)
    assert objects(account) == {KEY: 1}
    changed = records.change_overview("hello", lambda one: one.begun("a" * 32))
    assert changed.under_way == (RECORD.release_id, "a" * 32)
    assert records.overview("hello") == changed
    assert records.change_overview("hello", lambda one: one) == changed
    assert objects(account) == {KEY: 1, OVERVIEW: 1}


def test_the_applications_are_those_that_have_an_overview(records: Records) -> None:
    assert records.applications() == []
    for name in ("orders", "_unknown", "hello"):
        records.change_overview(name, lambda one: one.begun("a" * 32))
    assert records.applications() == ["hello", "orders"]


def test_a_record_is_old_from_the_second_after_its_last_write_and_can_be_hidden(
    account: Account, records: Records
) -> None:
    made = [Record.received(drop(f"hello/{number}.zip"), NOON) for number in range(3)]
    times = []
    for one in made:
        times.append(account.now.replace(microsecond=0))
        records.begin(one)
        account.pass_time(account.now + timedelta(seconds=2))
    assert records.unchanged_since("hello", times[2]) == [made[0].release_id, made[1].release_id]
    assert records.unchanged_since("hello", times[0]) == []
    records.hide("hello", made[0].release_id)
    assert records.read("hello", made[0].release_id) is None
    assert records.newest("hello", 9) == [made[2], made[1]]
