"""Messages that AWS's own services put into queues."""

from collections.abc import Mapping

from ministack.services import sqs

from tests.local.upstream import needs

needs(sqs, "_act_send_message", "_queue_by_arn", "_queue_url")


def put(arn: str, body: str, attributes: Mapping[str, str]) -> None:
    """Put one message, with attributes of text, into a queue of the account and region in scope."""
    texts = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    url = sqs._queue_url(arn.rpartition(":")[2])
    sqs._act_send_message({"MessageBody": body, "MessageAttributes": texts}, url)


def policy(arn: str) -> str:
    """Return the policy of a queue, empty if it has none."""
    queue = sqs._queue_by_arn(arn)
    return str(queue["attributes"].get("Policy") or "") if queue else ""
