"""The template's parameters and their effects, and the alarms, each with its place in the runbook."""

import re

import pytest

from tests import template as sam

STACK = sam.stack()
KEY = f"arn:aws:kms:{sam.REGION}:{sam.ACCOUNT}:key/0123"
RUNBOOK = (sam.PATH.parent / "docs" / "runbook.md").read_text()


def test_an_own_key_encrypts_both_buckets_and_every_log() -> None:
    for bucket in sam.stack(EncryptionKey=KEY).of_type("AWS::S3::Bucket").values():
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
        assert rule["BucketKeyEnabled"]
    logs = sam.stack(EncryptionKey=KEY).of_type("AWS::Logs::LogGroup")
    assert {group["KmsKeyId"] for group in logs.values()} == {KEY}


def test_without_a_key_aws_keeps_the_keys_and_nobody_may_use_any() -> None:
    for bucket in STACK.of_type("AWS::S3::Bucket").values():
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert not [group for group in STACK.of_type("AWS::Logs::LogGroup").values() if "KmsKeyId" in group]
    assert not STACK.by_sid("UseTheKeyThroughS3")


def test_the_own_key_is_used_through_s3_only_and_applications_only_decrypt() -> None:
    statements = {
        statement.holder: statement for statement in sam.stack(EncryptionKey=KEY).by_sid("UseTheKeyThroughS3")
    }
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
    rollout = sam.stack(EncryptionKey=KEY).of_type("AWS::Lambda::Function")["Rollout"]
    assert rollout["DurableConfig"]["KMSKeyArn"] == KEY
    assert "KMSKeyArn" not in STACK.of_type("AWS::Lambda::Function")["Rollout"]["DurableConfig"]
    [statement] = sam.stack(EncryptionKey=KEY).by_sid("ReadItsStepsUnderTheKey")
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
    pattern = STACK.template["Parameters"]["EncryptionKey"]["AllowedPattern"]
    assert re.fullmatch(pattern, KEY)
    assert not re.fullmatch(pattern, key)


def test_keys_are_written_once_when_asked_for() -> None:
    assert not STACK.by_sid("NeverReplaceARelease")
    [refusal] = sam.stack(WriteOnceReleases="true").by_sid("NeverReplaceARelease")
    assert (refusal.holder, refusal.effect, refusal.actions) == ("ReleasesBucketPolicy", "Deny", ("s3:PutObject",))
    # Parts of a multipart upload carry no condition; the call that makes the object of them does.
    assert refusal.conditions == {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}


def test_the_command_to_drop_a_release_is_one_that_a_write_once_bucket_takes() -> None:
    stack = sam.stack(WriteOnceReleases="true")
    assert "--if-none-match '*'" in stack.names.text(stack.template["Outputs"]["DropCommand"]["Value"])


def test_every_alarm_notifies_the_topic_and_has_its_place_in_the_runbook() -> None:
    alarms = sam.stack(AlarmTopic="arn:aws:sns:eu-central-1:123456789012:us").of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) == 5
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == ["arn:aws:sns:eu-central-1:123456789012:us"]
        name = alarm["AlarmName"].removeprefix("dropshift").replace("hello", "<application>")
        assert f"`…{name}`" in RUNBOOK


def test_the_alarms_watch_what_is_there() -> None:
    alarms = STACK.of_type("AWS::CloudWatch::Alarm")
    watched = {name: {one["Name"]: one["Value"] for one in alarm["Dimensions"]} for name, alarm in alarms.items()}
    assert watched["RolloutsDie"] == {"RuleName": STACK.names.ref("RolloutDied")}
    assert watched["RolloutsFail"] == {"FunctionName": STACK.names.ref("Rollout")}
    rule = STACK.properties("helloReleaseFailed")
    assert watched["helloFailed"] == {"RuleName": rule["Name"]}
    assert sam.stack(EventBus="news").properties("helloFailed")["Dimensions"] == [
        {"Name": "EventBusName", "Value": "news"},
        {"Name": "RuleName", "Value": rule["Name"]},
    ]


def test_no_alarm_watches_a_metric_that_a_log_line_can_make() -> None:
    """Source: CloudWatch user guide, embedded metric format: a namespace of one's own; those of AWS begin with AWS/."""
    alarms = STACK.of_type("AWS::CloudWatch::Alarm")
    assert {alarm["Namespace"].partition("/")[0] for alarm in alarms.values()} == {"AWS"}
    [statement] = STACK.by_sid("AnnounceNoRelease")
    assert (statement.holder, statement.effect, statement.actions) == ("helloRole", "Deny", ("events:PutEvents",))
    assert statement.conditions == {"ForAnyValue:StringEquals": {"events:source": "dropshift"}}


def test_the_runbook_is_one_page() -> None:
    assert len(RUNBOOK.splitlines()) <= 80


def test_signatures_are_verified_by_the_deployer_with_the_one_key_that_was_named() -> None:
    assert not STACK.by_sid("VerifySignatures")
    statements = sam.stack(SigningKey=KEY).by_sid("VerifySignatures")
    assert {statement.holder for statement in statements} == {"ControllerRole", "RolloutRole"}
    assert {(statement.actions, statement.resources) for statement in statements} == {(("kms:Verify",), (KEY,))}


def test_only_our_own_rules_put_events_into_the_dead_letter_queue() -> None:
    rule = f"arn:aws:events:{sam.REGION}:{sam.ACCOUNT}:rule/dropshift-"
    expected = {
        "": ["ApplicationAlarmed", "RolloutDied", "PruneDue"],
        "people": ["ApplicationAlarmed", "RolloutDied", "PruneDue", "ReleaseEnded"],
    }
    for topic, rules in expected.items():
        [keep] = sam.stack(NotifyTopic=topic).by_sid("LetOurRulesKeepLostEvents")
        assert keep.conditions == {"ArnEquals": {"aws:SourceArn": [f"{rule}{name}" for name in rules]}}
