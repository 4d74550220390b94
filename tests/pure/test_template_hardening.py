"""The template's parameters and their effects, and the alarms, each with its place in the runbook."""

import re

import pytest

from tests import template as sam

SOURCE = sam.packaged(sam.source())
KEY = f"arn:aws:kms:{sam.REGION}:{sam.ACCOUNT}:key/0123"
RUNBOOK = (sam.PATH.parent / "docs" / "runbook.md").read_text()


def resources(kind: str, **given: str) -> sam.Template:
    """The resources of one type with their names filled in and their conditions decided."""
    stack = sam.transformed(SOURCE, **given)
    resolved: sam.Template = sam.Names(stack, sam.defaults(stack) | given).text(sam.of_type(stack, kind))
    return resolved


def by_sid(**given: str) -> dict[str, list[sam.Statement]]:
    """The statements that a choice of parameters leads to."""
    stack = sam.transformed(SOURCE, **given)
    found: dict[str, list[sam.Statement]] = {}
    for statement in sam.statements(stack, **given):
        found.setdefault(str(statement.sid), []).append(statement)
    return found


def test_an_own_key_encrypts_both_buckets_and_every_log() -> None:
    for bucket in resources("AWS::S3::Bucket", EncryptionKey=KEY).values():
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
        assert rule["BucketKeyEnabled"]
    logs = resources("AWS::Logs::LogGroup", EncryptionKey=KEY)
    assert {group["KmsKeyId"] for group in logs.values()} == {KEY}


def test_without_a_key_aws_keeps_the_keys_and_nobody_may_use_any() -> None:
    for bucket in resources("AWS::S3::Bucket").values():
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert not [group for group in resources("AWS::Logs::LogGroup").values() if "KmsKeyId" in group]
    assert "UseTheKeyThroughS3" not in by_sid()


def test_the_own_key_is_used_through_s3_only_and_applications_only_decrypt() -> None:
    statements = {statement.holder: statement for statement in by_sid(EncryptionKey=KEY)["UseTheKeyThroughS3"]}
    assert {holder: statement.actions for holder, statement in statements.items()} == {
        "ControllerRole": ("kms:Decrypt", "kms:GenerateDataKey"),
        "RolloutRole": ("kms:Decrypt", "kms:GenerateDataKey"),
        "helloRole": ("kms:Decrypt",),
        "Publisher": ("kms:Decrypt", "kms:GenerateDataKey"),
    }
    for statement in statements.values():
        assert statement.resources == (KEY,)
        # The suffix depends on the partition: amazonaws.com, amazonaws.com.cn, amazonaws.eu ...
        assert statement.conditions == {"StringLike": {"kms:ViaService": f"s3.{sam.REGION}.*"}}


def test_the_own_key_encrypts_what_the_engine_keeps_and_the_rollout_alone_reads_it() -> None:
    """Source: AWS Lambda developer guide, encrypting durable execution data: its key is one of its own."""
    rollout = resources("AWS::Lambda::Function", EncryptionKey=KEY)["Rollout"]
    assert rollout["DurableConfig"]["KMSKeyArn"] == KEY
    assert "KMSKeyArn" not in resources("AWS::Lambda::Function")["Rollout"]["DurableConfig"]
    [statement] = by_sid(EncryptionKey=KEY)["ReadItsStepsUnderTheKey"]
    assert (statement.holder, statement.actions, statement.resources) == ("RolloutRole", ("kms:Decrypt",), (KEY,))
    function = f"arn:aws:lambda:{sam.REGION}:{sam.ACCOUNT}:function:dropshift-rollout"
    assert statement.conditions == {
        "StringLike": {"kms:ViaService": f"lambda.{sam.REGION}.*"},
        "StringEquals": {"kms:EncryptionContext:aws:lambda:FunctionArn": function},
    }


def test_the_runbook_has_the_statements_that_an_own_key_needs() -> None:
    for needed in ("logs.REGION", "lambda.amazonaws.com", "kms:EncryptionContext:aws:lambda:FunctionArn"):
        assert needed in RUNBOOK


@pytest.mark.parametrize("key", ["alias/mine", "0123", "arn:aws:kms:eu-central-1:123456789012:alias/mine"])
def test_a_key_is_named_by_its_arn(key: str) -> None:
    pattern = SOURCE["Parameters"]["EncryptionKey"]["AllowedPattern"]
    assert re.fullmatch(pattern, KEY)
    assert not re.fullmatch(pattern, key)


def test_keys_are_written_once_when_asked_for() -> None:
    assert "NeverReplaceARelease" not in by_sid()
    [refusal] = by_sid(WriteOnceReleases="true")["NeverReplaceARelease"]
    assert (refusal.holder, refusal.effect, refusal.actions) == ("ReleasesBucketPolicy", "Deny", ("s3:PutObject",))
    # Parts of a multipart upload carry no condition; the call that makes the object of them does.
    assert refusal.conditions == {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}


def test_the_command_to_drop_a_release_is_one_that_a_write_once_bucket_takes() -> None:
    stack = sam.transformed(SOURCE, WriteOnceReleases="true")
    names = sam.Names(stack, sam.defaults(stack) | {"WriteOnceReleases": "true"})
    assert "--if-none-match '*'" in names.text(stack["Outputs"]["DropCommand"]["Value"])


def test_every_alarm_tells_the_topic_and_has_its_place_in_the_runbook() -> None:
    alarms = resources("AWS::CloudWatch::Alarm", AlarmTopic="arn:aws:sns:eu-central-1:123456789012:us")
    assert len(alarms) == 5
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == ["arn:aws:sns:eu-central-1:123456789012:us"]
        name = alarm["AlarmName"].removeprefix("dropshift").replace("hello", "<application>")
        assert f"`…{name}`" in RUNBOOK


def test_the_alarms_watch_what_is_there() -> None:
    stack = sam.transformed(SOURCE)
    names = sam.Names(stack, sam.defaults(stack))
    alarms = resources("AWS::CloudWatch::Alarm")
    watched = {name: {one["Name"]: one["Value"] for one in alarm["Dimensions"]} for name, alarm in alarms.items()}
    assert watched["RolloutsDie"] == {"RuleName": names.ref("RolloutDied")}
    assert watched["RolloutsFail"] == {"FunctionName": names.ref("Rollout")}
    rule = names.text(stack["Resources"]["helloReleaseFailed"]["Properties"])
    assert watched["helloFailed"] == {"RuleName": rule["Name"]}
    [elsewhere] = [
        one for name, one in resources("AWS::CloudWatch::Alarm", EventBus="news").items() if "Failed" in name
    ]
    assert elsewhere["Dimensions"] == [
        {"Name": "EventBusName", "Value": "news"},
        {"Name": "RuleName", "Value": rule["Name"]},
    ]


def test_no_alarm_watches_a_metric_that_a_log_line_can_make() -> None:
    """Source: CloudWatch user guide, embedded metric format: a namespace of one's own; those of AWS begin with AWS/."""
    alarms = resources("AWS::CloudWatch::Alarm")
    assert {alarm["Namespace"].partition("/")[0] for alarm in alarms.values()} == {"AWS"}
    [told] = by_sid()["AnnounceNoRelease"]
    assert (told.holder, told.effect, told.actions) == ("helloRole", "Deny", ("events:PutEvents",))
    assert told.conditions == {"ForAnyValue:StringEquals": {"events:source": "dropshift"}}


def test_the_runbook_is_one_page() -> None:
    assert len(RUNBOOK.splitlines()) <= 80


def test_signatures_are_verified_by_the_deployer_with_the_one_key_that_was_named() -> None:
    assert "VerifySignatures" not in by_sid()
    statements = by_sid(SigningKey=KEY)["VerifySignatures"]
    assert {statement.holder for statement in statements} == {"ControllerRole", "RolloutRole"}
    assert {(statement.actions, statement.resources) for statement in statements} == {(("kms:Verify",), (KEY,))}


def test_only_our_own_rules_put_events_into_the_dead_letter_queue() -> None:
    rule = f"arn:aws:events:{sam.REGION}:{sam.ACCOUNT}:rule/dropshift-"
    expected = {
        "": ["ApplicationAlarmed", "RolloutDied", "PruneDue"],
        "people": ["ApplicationAlarmed", "RolloutDied", "PruneDue", "ReleaseEnded"],
    }
    for topic, rules in expected.items():
        [keep] = by_sid(NotifyTopic=topic)["LetOurRulesKeepLostEvents"]
        assert keep.conditions == {"ArnEquals": {"aws:SourceArn": [f"{rule}{name}" for name in rules]}}
