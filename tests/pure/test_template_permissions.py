"""The permissions of template.yaml after SAM's own transform: by intent, on narrow resources, and no others."""

import re
from fnmatch import fnmatchcase

import boto3
import pytest

from tests import template as sam

STACK = sam.stack()
STATEMENTS = STACK.statements()
ALLOWED = STACK.statements("Allow")
BUNDLES = STACK.names.arn("BundlesBucket")

EVERYTHING = {
    "EncryptionKey": f"arn:aws:kms:{sam.REGION}:{sam.ACCOUNT}:key/encryption",
    "SigningKey": f"arn:aws:kms:{sam.REGION}:{sam.ACCOUNT}:key/signing",
    "NotifyTopic": f"arn:aws:sns:{sam.REGION}:{sam.ACCOUNT}:news",
    "AlarmTopic": f"arn:aws:sns:{sam.REGION}:{sam.ACCOUNT}:alarms",
    "EventBus": "releases",
    "BreakGlassRole": f"arn:aws:iam::{sam.ACCOUNT}:role/break-glass",
    "WriteOnceReleases": "true",
    "KeepRecordsDays": "365",
}
"""Every parameter that switches something on."""
OPTIONAL = [one for one in sam.stack(**EVERYTHING).statements("Allow") if one not in ALLOWED]

ANY_RESOURCE = {
    "SendTraces": "X-Ray's actions know no resources",
    "AskAlarmsThemselves": "a manifest may name any alarm of the account",
    "JudgeByMetricsAndAlarms": "metrics have no ARNs, and a manifest may name any alarm of the account",
}


def _function(name: str) -> str:
    return f"arn:aws:lambda:{sam.REGION}:{sam.ACCOUNT}:function:{name}"


def _may(role: str, action: str, resource: str) -> bool:
    return any(
        statement.holder == role
        and action in statement.actions
        and any(fnmatchcase(resource, pattern) for pattern in statement.resources)
        for statement in ALLOWED
    )


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: f"{s.holder}-{s.sid}")
def test_a_statement_says_what_it_is_for(statement: sam.Statement) -> None:
    assert statement.sid is not None
    assert statement.sid.isalnum()
    assert statement.sid[0].isupper()


def test_a_role_has_no_two_statements_of_one_name() -> None:
    named = [(statement.holder, statement.sid) for statement in STATEMENTS]
    assert len(named) == len(set(named))


def test_every_option_that_needs_a_permission_is_listed() -> None:
    assert {statement.sid for statement in OPTIONAL} == {
        "AnnounceChanges",
        "HideOldRecords",
        "LetOurRulesKeepLostEvents",
        "ReadHowRolloutsEndedUnderTheKey",
        "ReadItsStepsUnderTheKey",
        "ReadSignaturesBesideDrops",
        "UseTheKeyThroughS3",
        "VerifySignatures",
    }


@pytest.mark.parametrize("statement", [*ALLOWED, *OPTIONAL], ids=lambda s: f"{s.holder}-{s.sid}")
def test_no_statement_allows_by_wildcard(statement: sam.Statement) -> None:
    assert not [action for action in statement.actions if "*" in action]
    if statement.sid not in ANY_RESOURCE:
        assert "*" not in statement.resources


def test_no_role_may_pass_roles_or_has_policies_that_somebody_else_writes() -> None:
    assert not [statement for statement in ALLOWED if "iam:PassRole" in statement.actions]
    assert not [name for name, role in STACK.of_type("AWS::IAM::Role").items() if "ManagedPolicyArns" in role]


def test_the_controller_is_invoked_by_this_accounts_bucket_and_by_its_own_rules() -> None:
    """S3 sends aws:SourceAccount, and a bucket's ARN has no account. EventBridge sends none, and a rule's ARN has it.

    Source: Amazon EventBridge user guide, troubleshooting: "A SourceAccount setting prevents EventBridge from being
    able to invoke the function."
    """
    permissions = STACK.of_type("AWS::Lambda::Permission")
    events = {
        "LetAlarmsInvokeController": "ApplicationAlarmed",
        "LetDeadRolloutsInvokeController": "RolloutDied",
        "LetTheScheduleInvokeController": "PruneDue",
    }
    assert permissions.keys() == {"LetReleasesBucketInvokeController", *events}
    assert permissions["LetReleasesBucketInvokeController"]["SourceAccount"] == sam.ACCOUNT
    assert permissions["LetReleasesBucketInvokeController"]["SourceArn"] == STACK.names.arn("ReleasesBucket")
    for permission, rule in events.items():
        assert "SourceAccount" not in permissions[permission]
        assert permissions[permission]["SourceArn"] == STACK.names.arn(rule)


@pytest.mark.parametrize("role", ["ControllerRole", "RolloutRole"])
@pytest.mark.parametrize(
    "action", ["lambda:UpdateAlias", "lambda:PublishVersion", "lambda:UpdateFunctionConfiguration"]
)
def test_the_deployer_changes_applications_and_never_itself(role: str, action: str) -> None:
    assert not _may(role, action, _function("dropshift-controller"))
    assert not _may(role, action, _function("dropshift-rollout"))
    assert not _may(role, action, _function("another"))


def test_the_controller_moves_an_alias_and_publishes_nothing() -> None:
    hello = _function("dropshift-app-hello")
    assert _may("ControllerRole", "lambda:UpdateAlias", hello)
    assert not _may("ControllerRole", "lambda:PublishVersion", hello)
    assert not _may("ControllerRole", "lambda:UpdateFunctionConfiguration", hello)
    assert not _may("ControllerRole", "lambda:InvokeFunction", hello + ":2")


def test_the_rollout_calls_versions_and_never_a_function_without_one() -> None:
    assert _may("RolloutRole", "lambda:InvokeFunction", _function("dropshift-app-hello:2"))
    assert not _may("RolloutRole", "lambda:InvokeFunction", _function("dropshift-app-hello"))


def test_the_engine_is_reached_by_the_rollouts_own_executions_alone() -> None:
    execution = _function("dropshift-rollout:3/durable-execution/0123abcd/4567")
    for action in ("lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"):
        assert _may("RolloutRole", action, execution)
        assert not _may("ControllerRole", action, execution)


def test_an_application_loads_its_own_bundles_and_nothing_else() -> None:
    assert _may("helloRole", "s3:GetObjectVersion", f"{BUNDLES}/bundles/hello/0123.tar.zst")
    assert not _may("helloRole", "s3:GetObjectVersion", f"{BUNDLES}/bundles/hello-2/0123.tar.zst")
    assert not _may("helloRole", "s3:GetObjectVersion", f"{BUNDLES}/records/hello/0123.json")
    actions = {action for statement in ALLOWED if statement.holder == "helloRole" for action in statement.actions}
    assert {action for action in actions if action.startswith("s3:")} == {"s3:GetObjectVersion"}


def _denied(bucket_policy: str) -> dict[str, sam.Statement]:
    return {str(s.sid): s for s in STATEMENTS if s.holder == bucket_policy and s.effect == "Deny"}


@pytest.mark.parametrize("policy", ["ReleasesBucketPolicy", "BundlesBucketPolicy"])
def test_a_bucket_refuses_transport_in_the_clear(policy: str) -> None:
    refusal = _denied(policy)["RefuseUnencryptedTransport"]
    assert refusal.actions == ("s3:*",)
    assert refusal.conditions == {"Bool": {"aws:SecureTransport": "false"}}


def _but(principals: str | list[str]) -> dict[str, dict[str, str | list[str]]]:
    """Return the condition of a Deny with exceptions."""
    return {"ArnNotEquals": {"aws:PrincipalArn": principals}}


def test_bundles_are_written_by_the_deployer_read_by_it_and_applications_and_deleted_by_prune_alone() -> None:
    denied = _denied("BundlesBucketPolicy")
    role = f"arn:aws:iam::{sam.ACCOUNT}:role/dropshift/"
    deployer = [f"{role}dropshift-ControllerRole", f"{role}dropshift-RolloutRole"]
    writers = denied["LetOnlyTheDeployerWrite"].conditions["ArnNotEquals"]["aws:PrincipalArn"]
    readers = denied["LetOnlyTheDeployerAndApplicationsReadBundles"].conditions["ArnNotLike"]["aws:PrincipalArn"]
    assert writers == deployer
    assert readers == [*deployer, f"{role}applications/*"]
    assert STACK.names.arn("helloRole").startswith(f"{role}applications/")
    assert denied["LetTheRolloutAloneWriteBundlesAndProfiles"].conditions == _but(deployer[1])
    assert denied["LetPruneAloneDeleteBundles"].conditions == _but([deployer[0]])
    assert denied["LetPruneAloneHideRecords"].conditions == _but([deployer[0]])
    for nobody in ("NeverHideABundle", "KeepRecordsMarksAndProfiles", "KeepTheBytesOfRecords"):
        assert denied[nobody].conditions == {}


def test_old_records_are_hidden_by_the_controller_alone_and_only_where_the_owner_says_so() -> None:
    record = f"{BUNDLES}/records/hello/0123.json"
    assert not _may("ControllerRole", "s3:DeleteObject", record)
    allowed = sam.stack(KeepRecordsDays="365").statements("Allow")
    [hiding] = [one for one in allowed if "s3:DeleteObject" in one.actions]
    assert (hiding.holder, hiding.resources) == ("ControllerRole", (f"{BUNDLES}/records/*.json",))
    kept = _denied("BundlesBucketPolicy")["KeepRecordsMarksAndProfiles"]
    assert set(kept.not_resources) == {f"{BUNDLES}/bundles/*", f"{BUNDLES}/records/*.json"}, (
        "NotResource: no mark, no overview"
    )
    days = sam.source()["Parameters"]["KeepRecordsDays"]
    given = ("0", "1", "59", "60", "365", "3650", "")
    assert [one for one in given if re.fullmatch(days["AllowedPattern"], one)] == ["0", "60", "365", "3650"]
    assert days["Default"] == "0"


@pytest.mark.parametrize(("releases", "days", "asked"), [("50", "0", True), ("0", "60", True), ("0", "0", False)])
def test_the_schedule_is_there_for_releases_and_for_records(releases: str, days: str, asked: bool) -> None:  # noqa: FBT001 - a case
    stack, said = sam.source(), {"KeepReleases": releases, "KeepRecordsDays": days}
    assert sam.Names(stack, sam.defaults(stack) | said).holds("Prunes") is asked


def test_prune_deletes_versions_and_bundles_and_nothing_else() -> None:
    hello = _function("dropshift-app-hello")
    assert _may("ControllerRole", "lambda:DeleteFunction", f"{hello}:2")
    assert not _may("ControllerRole", "lambda:DeleteFunction", hello)
    assert not _may("ControllerRole", "lambda:DeleteFunction", _function("dropshift-rollout:2"))
    assert _may("ControllerRole", "s3:DeleteObjectVersion", f"{BUNDLES}/bundles/hello/0123.tar.zst")
    assert not _may("ControllerRole", "s3:DeleteObjectVersion", f"{BUNDLES}/records/hello/0123.json")
    deleting = {"lambda:DeleteFunction", "s3:DeleteObject", "s3:DeleteObjectVersion"}
    assert {statement.holder for statement in ALLOWED if deleting & set(statement.actions)} == {"ControllerRole"}


def test_provisioned_concurrency_goes_to_versions_and_never_to_a_function_without_one() -> None:
    for role in ("ControllerRole", "RolloutRole"):
        assert _may(role, "lambda:PutProvisionedConcurrencyConfig", _function("dropshift-app-hello:2"))
        assert not _may(role, "lambda:PutProvisionedConcurrencyConfig", _function("dropshift-app-hello"))


def test_changes_are_announced_on_one_bus() -> None:
    for bus in ("default", "releases"):
        announcing = sam.stack(EventBus=bus).by_sid("AnnounceChanges")
        assert {statement.holder for statement in announcing} == {"ControllerRole", "RolloutRole"}
        arn = f"arn:aws:events:{sam.REGION}:{sam.ACCOUNT}:event-bus/{bus}"
        assert {statement.resources for statement in announcing} == {(arn,)}


@pytest.mark.parametrize("policy", ["ReleasesBucketPolicy", "BundlesBucketPolicy"])
def test_a_buckets_settings_are_changed_by_cloudformation_and_the_role_that_breaks_glass_alone(policy: str) -> None:
    """Source: CloudFormation user guide, forward access sessions: their keys are there with and without a role."""
    kept = _denied(policy)["KeepItsSettings"]
    assert {"s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketVersioning"} < set(kept.actions)
    assert {"s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration"} < set(kept.actions)
    by_cloudformation = {"StringNotEquals": {"aws:CalledViaLast": "cloudformation.amazonaws.com"}}
    assert kept.conditions == by_cloudformation
    role = EVERYTHING["BreakGlassRole"]
    opened = [one for one in sam.stack(BreakGlassRole=role).statements() if one.holder == policy]
    assert {str(one.sid) for one in opened if role in str(one.conditions)} == {
        "ReleasesBucketPolicy": {"KeepEveryDrop", "KeepItsSettings"},
        "BundlesBucketPolicy": {
            "KeepItsSettings",
            "KeepRecordsMarksAndProfiles",
            "KeepTheBytesOfRecords",
            "LetPruneAloneDeleteBundles",
            "LetPruneAloneHideRecords",
            "NeverHideABundle",
        },
    }[policy]
    [settings] = [one for one in opened if one.sid == "KeepItsSettings"]
    assert settings.conditions == by_cloudformation | _but(role)


BY_LAMBDA = {
    "lambda:CheckpointDurableExecution": "the durable engine's SDK, within an execution",
    "lambda:GetDurableExecutionState": "as above",
    "logs:CreateLogStream": "the Lambda service, for the function's log",
    "logs:PutLogEvents": "as above",
    "sqs:SendMessage": "the Lambda service, for events that failed",
    "xray:PutTelemetryRecords": "the X-Ray daemon beside the function",
    "xray:PutTraceSegments": "as above",
}
PERMISSIONS = {  # of the calls whose permission has another name, or that need another one
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "s3:ListObjectVersions": {"s3:ListBucketVersions"},
    "s3:DeleteObject": {"s3:DeleteObjectVersion"},  # with a version, but for old records: see HideOldRecords
    "s3:HeadObject": {"s3:GetObject", "s3:GetObjectVersion"},
    "s3:GetObject": {"s3:GetObject", "s3:GetObjectVersion"},
    "s3:CreateMultipartUpload": {"s3:PutObject"},
    "s3:UploadPart": {"s3:PutObject"},
    "s3:CompleteMultipartUpload": {"s3:PutObject"},
    "lambda:Invoke": {"lambda:InvokeFunction"},
}


def _called() -> set[str]:
    """Read from the deployer's source which permissions its calls need, by the services that a module imports."""
    operations: set[str] = set()
    for path in (sam.PATH.parent / "deployer" / "aws").rglob("*.py"):
        text = path.read_text()
        methods = set(re.findall(r"\.([a-z_0-9]+)\(", text)) | set(re.findall(r'get_paginator\("(\w+)"', text))
        for service in re.findall(r"from mypy_boto3_(\w+) import", text):
            names = boto3.client(service, sam.REGION).meta.method_to_api_mapping
            operations |= {f"{service}:{operation}" for method, operation in names.items() if method in methods}
    return set().union(*(PERMISSIONS.get(operation, {operation}) for operation in operations))


def test_what_the_deployer_is_granted_is_what_it_calls() -> None:
    key = f"arn:aws:kms:{sam.REGION}:{sam.ACCOUNT}:key/signing"
    allowed = sam.stack(SigningKey=key).statements("Allow")
    deployer = [one for one in allowed if one.holder in {"ControllerRole", "RolloutRole"}]
    granted = {action for statement in deployer for action in statement.actions} - {"sts:AssumeRole"}
    assert granted - BY_LAMBDA.keys() == _called()
