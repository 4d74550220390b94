"""The local AWS delivers events where policies let it: EventBridge sends a rule's ARN and no account, S3 sends both."""

import json
from typing import Any

import pytest

from tests.local import LocalAws
from tests.local.configuration import ACCOUNT, REGION
from tests.local.functions import heard, listen, listener, permit
from tests.local.waiting import until

PATTERN = {"source": ["a-test"]}
RULES = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/*"


def _send(aws: LocalAws, number: int) -> None:
    entry = {"Source": "a-test", "DetailType": "Number", "Detail": json.dumps({"number": number})}
    assert aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


@pytest.fixture
def queue(local_aws: LocalAws, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return a queue's URL and ARN, in which this test's rule may put what it cannot deliver."""
    client = local_aws.client("sqs")
    url = client.create_queue(QueueName=f"lost-{abs(hash(request.node.name))}")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    condition = {"ArnLike": {"aws:SourceArn": RULES}}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn, "Condition": condition}]}
    client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return url, arn


def _received(aws: LocalAws, url: str) -> list[dict[str, Any]]:
    answer = aws.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def test_a_rule_invokes_a_function_that_lets_that_rule_in(local_aws: LocalAws) -> None:
    name = listener(local_aws)
    listen(local_aws, name, PATTERN)
    _send(local_aws, 1)
    (event,) = until(lambda: heard(local_aws, name))
    assert event["detail"] == {"number": 1}
    local_aws.client("events").remove_targets(Rule=name, Ids=[name])


@pytest.mark.parametrize("permission", [{"SourceAccount": ACCOUNT}, None], ids=["source account", "no permission"])
def test_a_rule_that_may_not_invoke_its_function_puts_the_event_into_the_dead_letter_queue(
    local_aws: LocalAws, queue: tuple[str, str], permission: dict[str, str] | None
) -> None:
    """Source: EventBridge user guide, troubleshooting: a SourceAccount keeps EventBridge from invoking the function."""
    name, (url, arn) = listener(local_aws), queue
    rule = listen(local_aws, name, PATTERN, permit_it=False, DeadLetterConfig={"Arn": arn})
    if permission:
        permit(local_aws, name, "events.amazonaws.com", SourceArn=rule, **permission)
    _send(local_aws, 2)
    (message,) = until(lambda: _received(local_aws, url))
    assert json.loads(message["Body"])["detail"] == {"number": 2}
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert (attributes["ERROR_CODE"], attributes["RULE_ARN"]) == ("NO_PERMISSIONS", rule)
    assert heard(local_aws, name) == []
    local_aws.client("events").remove_targets(Rule=name, Ids=[name])


@pytest.mark.parametrize(
    "condition", [None, {"ArnLike": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/*"}}]
)
def test_a_topics_policy_lets_eventbridge_in_without_a_condition_only(
    local_aws: LocalAws, queue: tuple[str, str], condition: dict[str, Any] | None
) -> None:
    """Source: EventBridge user guide, resource-based policies: no Condition blocks in topic policies."""
    url, lost = queue
    name = f"topic-{'with' if condition else 'without'}-condition"
    topic = local_aws.client("sns").create_topic(Name=name)["TopicArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}
    statement |= {"Resource": topic} | ({"Condition": condition} if condition else {})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    local_aws.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    inbox = local_aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    local_aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
    events = local_aws.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps(PATTERN))
    events.put_targets(Rule=name, Targets=[{"Id": "People", "Arn": topic, "DeadLetterConfig": {"Arn": lost}}])
    _send(local_aws, 3)
    (message,) = until(lambda: _received(local_aws, url if condition else inbox))
    assert '"number": 3' in message["Body"].replace('\\"', '"')
    events.remove_targets(Rule=name, Ids=["People"])


def test_a_bucket_notifies_a_function_that_lets_this_accounts_bucket_in(local_aws: LocalAws) -> None:
    s3, name = local_aws.client("s3"), listener(local_aws)
    arn = local_aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    wanted = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    for bucket in ("stranger", "known"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [wanted]}
        )
    permit(local_aws, name, "s3.amazonaws.com", SourceArn="arn:aws:s3:::known", SourceAccount=ACCOUNT)
    for bucket in ("stranger", "known"):
        s3.put_object(Bucket=bucket, Key="dropped", Body=b"zip")
    (event,) = until(lambda: heard(local_aws, name))
    assert event["Records"][0]["s3"]["bucket"]["name"] == "known"
