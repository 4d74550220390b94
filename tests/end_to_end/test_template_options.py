"""The stack with everything on that a parameter switches on: own key and bus, a topic, keys written once."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.local import LocalAws
from tests.local.waiting import until

ROOT = Path(__file__).parents[2]
EVENT = json.loads((ROOT / "events" / "out-release-changed.json").read_text())
PUBLISH = re.compile(r'{ "Sid": "LetEventBridgePublish".*?}$', re.DOTALL | re.MULTILINE)
"""The statement that the runbook adds to the policy of a topic for people."""


@dataclass(frozen=True)
class Optional:
    """The local AWS with the stack, and the topic that informs people."""

    aws: LocalAws
    queue: str

    def heard(self) -> list[str]:
        """Return the messages of the topic since the last call."""
        received = self.aws.client("sqs").receive_message(QueueUrl=self.queue, WaitTimeSeconds=1)
        return [json.loads(message["Body"])["Message"] for message in received.get("Messages", [])]


@pytest.fixture(scope="module")
def optional() -> Iterator[Optional]:
    with LocalAws() as aws:
        sqs, sns = aws.client("sqs"), aws.client("sns")
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        topic, queue = sns.create_topic(Name="people")["TopicArn"], sqs.create_queue(QueueName="people")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        _let_publish(sns, topic)
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        aws.client("events").create_event_bus(Name="releases")
        given = {"EncryptionKey": key, "WriteOnceReleases": "true", "EventBus": "releases", "NotifyTopic": topic}
        aws.dropshift(given)
        yield Optional(aws, queue)


def _let_publish(sns: Any, topic: str) -> None:  # noqa: ANN401 - a boto3 client
    """Add the runbook's statement; a topic's default policy refuses a sender that names no account."""
    [text] = PUBLISH.findall((ROOT / "docs" / "runbook.md").read_text())
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    policy["Statement"].append(json.loads(text.replace("TOPIC ARN", topic)))
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))


def test_people_hear_of_a_releases_end_in_one_line(optional: Optional) -> None:
    _announce(optional.aws, EVENT["detail"] | {"status": "shifting", "what": "shift 10 %"})
    _announce(optional.aws, EVENT["detail"])
    assert until(optional.heard) == ['"hello 1.4.0: live: version 7 has all traffic"']


def _announce(aws: LocalAws, detail: dict[str, Any]) -> None:
    entry = {"Source": "dropshift", "DetailType": "Release Changed", "Detail": json.dumps(detail)}
    assert aws.client("events").put_events(Entries=[entry | {"EventBusName": "releases"}])["FailedEntryCount"] == 0
