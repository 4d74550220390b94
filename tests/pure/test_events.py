"""Every payload of the controller is recognised, and none raises."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import JsonValue

from deployer import events
from deployer.aws import eventbridge
from deployer.commands.command import (
    Abort,
    Pause,
    Promote,
    Prune,
    Redeploy,
    Resume,
    RollBack,
    ShowHistory,
    ShowStatus,
    Validate,
)
from deployer.model.record import Record
from deployer.model.status import Ending, Status
from tests.pure.values import APPLICATIONS, NOON, SETTINGS, drop

EVENTS = Path(__file__).parents[2] / "events"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
WHAT_ARRIVES: dict[str, type] = {
    "drop-put": events.Drops,
    "drop-multipart": events.Drops,
    "drop-several": events.Drops,
    "drop-removed": events.Drops,
    "drop-signature": events.Drops,
    "drop-foreign-bucket": events.Drops,
    "drop-test": events.Ignored,
    "alarm-changed": events.AlarmChanged,
    "execution-failed": events.ExecutionFailed,
    "prune-due": events.PruneDue,
    "status": ShowStatus,
    "status-all": ShowStatus,
    "history": ShowHistory,
    "rollback": RollBack,
    "rollback-to": RollBack,
    "promote": Promote,
    "promote-full": Promote,
    "promote-weight": Promote,
    "abort": Abort,
    "pause": Pause,
    "resume": Resume,
    "validate": Validate,
    "redeploy": Redeploy,
    "prune": Prune,
}


def load(name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    return json.loads((EVENTS / f"{name}.json").read_text())


INCOMING = sorted(path for path in EVENTS.glob("*.json") if not path.stem.startswith("out-"))


@pytest.mark.parametrize("path", INCOMING, ids=lambda path: path.stem)
def test_every_file_in_events_is_what_its_name_says(path: Path) -> None:
    assert isinstance(events.parse(load(path.stem), SETTINGS, APPLICATIONS), WHAT_ARRIVES[path.stem])


def test_every_kind_of_arrival_has_a_file() -> None:
    assert {path.stem for path in INCOMING} == set(WHAT_ARRIVES)


def test_what_is_announced_has_the_documented_fields() -> None:
    release = Ending(status=Status.LIVE, reason="version 7 has all traffic")
    record = Record.received(drop(), NOON).with_entry(NOON, "published", version="7", weight=50).ended(NOON, release)
    documented = load("out-release-changed")
    assert (documented["source"], documented["detail-type"]) == (eventbridge.SOURCE, eventbridge.DETAIL_TYPE)
    detail = eventbridge.detail(record, "dropshift-app-hello")
    assert detail.keys() == documented["detail"].keys()
    same = ("status", "what", "reason", "version", "weight")
    assert {key: detail[key] for key in same} == {key: documented["detail"][key] for key in same}


def test_what_is_announced_and_its_example_follow_the_documented_schema() -> None:
    document = load("out-release-changed.schema")
    Draft202012Validator.check_schema(document)
    schema = Draft202012Validator(document)
    example = load("out-release-changed")
    schema.validate(example)
    received = Record.received(drop(), NOON)
    for record in (received, received.ended(NOON, Ending(status=Status.REJECTED, reason="no archive"))):
        schema.validate(example | {"detail": eventbridge.detail(record, "dropshift-app-hello")})
    described = document["properties"]["detail"]["properties"]
    assert described["status"]["enum"] == [status.value for status in Status]


def arrivals(name: str) -> events.Drops:
    found = events.parse(load(name), SETTINGS, APPLICATIONS)
    assert isinstance(found, events.Drops)
    return found


def test_keys_are_decoded_once() -> None:
    assert arrivals("drop-multipart").drops[0].key == "hello/1.4.0+build 7.tar.gz"


def test_one_bad_record_does_not_stop_the_others_and_duplicates_are_one() -> None:
    found = arrivals("drop-several")
    assert [one.key for one in found.drops] == ["hello/1.4.1.tar.zst"]
    assert "unknown application" in found.ignored[0].reason


@pytest.mark.parametrize("bad", [{"eventSource": "aws:s3"}, {}, 5, None, [], {"s3": "no object"}])
def test_a_record_that_is_none_does_not_stop_those_around_it(bad: JsonValue) -> None:
    [first], [other] = load("drop-put")["Records"], load("drop-multipart")["Records"]
    found = events.parse({"Records": [first, bad, other]}, SETTINGS, APPLICATIONS)
    assert isinstance(found, events.Drops)
    assert len(found.drops) == 2
    assert [(one.reason.partition(":")[0], one.needs_attention) for one in found.ignored] == [
        ("not a valid S3 event record", True)
    ]


def test_a_removal_releases_nothing() -> None:
    assert arrivals("drop-removed").drops == ()


def passed_over(name: str) -> events.Ignored:
    found = arrivals(name)
    assert found.drops == ()
    (ignored,) = found.ignored
    return ignored


def test_a_signature_releases_nothing_by_itself_and_troubles_nobody() -> None:
    ignored = passed_over("drop-signature")
    assert "hello/1.4.0.zip.sig is a signature" in ignored.reason
    assert not ignored.needs_attention


def test_an_event_of_a_foreign_bucket_releases_nothing_and_a_person_should_look() -> None:
    ignored = passed_over("drop-foreign-bucket")
    assert "somebody-elses-uploads is not ours" in ignored.reason
    assert ignored.needs_attention


def refusal(payload: JsonValue) -> str:
    found = events.parse(payload, SETTINGS, APPLICATIONS)
    assert isinstance(found, events.Refused), found
    return "\n".join(str(problem) for problem in found.problems)


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        ({"action": "rollbak", "application": "hello"}, 'did you mean "rollback"?'),
        ({"action": "rollback", "application": "helo"}, 'did you mean "hello"?'),
        ({"action": "rollback", "application": "hello", "dryrun": True}, 'did you mean "dry_run"?'),
        ({"action": "rollback", "application": "hello", "dry_run": "yes"}, "dry_run"),
        ({"action": "rollback"}, "application"),
        ({"action": "status", "Records": []}, "not both"),
        ({"action": None}, "action"),
        ({}, "S3 event"),
        ([], "JSON object"),
        (None, "JSON object"),
    ],
)
def test_a_refusal_says_what_to_change(payload: JsonValue, word: str) -> None:
    assert word in refusal(payload)


ACTIONS = "status, history, rollback, promote, abort, pause, resume, validate, redeploy, prune"


@pytest.mark.parametrize(
    ("payload", "applications", "problem"),
    [
        (
            {"action": "rollback"},
            APPLICATIONS,
            ("application", "nothing", "a value", "correct it; see events/rollback.json"),
        ),
        (
            {"action": "history", "application": "hello", "limit": 500},
            APPLICATIONS,
            ("limit", "500", "at most 100", "correct it; see events/history.json"),
        ),
        (
            {"action": "abort", "application": "zzz"},
            (),
            ("application", "the unknown application 'zzz'", "none yet", "use one of these"),
        ),
        (
            {"action": 5, "application": "hello"},
            APPLICATIONS,
            ("action", "the unknown action 5", ACTIONS, "use one of these"),
        ),
        (
            {"action": "abort", "application": "hello", "fore": 1},
            APPLICATIONS,
            ("field", "the unknown field 'fore'", "application, reason, dry_run, release, action", "use one of these"),
        ),
    ],
)
def test_a_refused_command_has_its_problem(
    payload: JsonValue, applications: tuple[str, ...], problem: tuple[str, ...]
) -> None:
    found = events.parse(payload, SETTINGS, applications)
    assert isinstance(found, events.Refused)
    [said] = found.problems
    assert (said.where, said.found, said.allowed, said.remedy) == problem


@pytest.mark.parametrize(("said", "meant"), [(3, "3"), ("3", "3"), ("1.4.0", "1.4.0")])
def test_a_release_may_be_named_by_the_number_of_its_version(said: str | int, meant: str) -> None:
    found = events.parse({"action": "rollback", "application": "hello", "to": said}, SETTINGS, APPLICATIONS)
    assert isinstance(found, RollBack)
    assert found.to == meant
    assert isinstance(
        events.parse({"action": "rollback", "application": "hello", "to": True}, SETTINGS, APPLICATIONS), events.Refused
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Records", "action", "s3", "detail-type", "object", "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values)
def test_nothing_that_arrives_raises(payload: JsonValue) -> None:
    events.parse(payload, SETTINGS, APPLICATIONS)


# --- events and commands that nobody here wrote ---------------------------------------------------------------------

in_the_corpus = pytest.mark.skipif(
    not CORPUS.exists(), reason="the corpus of foreign events is not beside the checkout"
)
THEIRS = SETTINGS.model_copy(update={"releases_bucket": "rel-bucket"})
THEIR_APPLICATIONS = frozenset({"myapp"})


def corpus(name: str) -> list[dict[str, str]]:
    path = CORPUS / name
    return list(csv.DictReader(path.open())) if path.exists() else []


def seen(payload: JsonValue) -> set[str]:
    """Return the outcome of an event, in the corpus's words."""
    found = events.parse(payload, THEIRS, THEIR_APPLICATIONS)
    if isinstance(found, events.Refused):
        return {"reject-loud", "reject"}
    if isinstance(found, events.Ignored):
        return {"ignore", "reject", "reject-loud", "ignore-loud"} if found.needs_attention else {"ignore"}
    assert isinstance(found, events.Drops)
    outcomes = {"deploy"} if found.drops else set()
    for ignored in found.ignored:
        outcomes |= {"reject", "reject-loud", "ignore", "ignore-loud"} if ignored.needs_attention else {"ignore"}
    return outcomes


ALSO = {
    "reject,deploy": {"deploy"},
    "deploy,duplicate": {"deploy"},
    "deploy-safely": {"deploy"},
    "deploy-or-ignore": {"deploy", "ignore"},
    "ignore+alert-if-live": {"ignore"},
    "reject-or-deploy-by-HEAD": {"deploy"},
    "reject-or-deploy": {"deploy", "reject"},
    "deploy-or-reject": {"deploy", "reject"},
}


@in_the_corpus
@pytest.mark.parametrize("row", corpus("events.csv"), ids=lambda row: row["file"])
def test_foreign_events_end_in_their_class(row: dict[str, str]) -> None:
    if row["file"] == "too-big-5gb.json":
        pytest.skip("the event's size is a hint: the inspection refuses by HEAD, without downloading")
    payload = json.loads((CORPUS / "events" / row["file"]).read_text())
    assert seen(payload) & ALSO.get(row["expected"], {row["expected"]})


@in_the_corpus
@pytest.mark.parametrize("row", corpus("events.csv"), ids=lambda row: row["file"])
def test_no_foreign_event_reaches_another_application(row: dict[str, str]) -> None:
    found = events.parse(json.loads((CORPUS / "events" / row["file"]).read_text()), THEIRS, THEIR_APPLICATIONS)
    drops = found.drops if isinstance(found, events.Drops) else ()
    assert all(one.application == "myapp" and one.bucket == "rel-bucket" for one in drops)
    assert all(one.label.isprintable() for one in drops)
