"""A service delivers where the policy of the function, topic or queue lets it, with the source that the service sends.

Upstream invokes any function. S3 says whose bucket it is; EventBridge sends functions and queues the rule's ARN and no
account, and topics nothing, so a condition on what is not sent keeps the event away. EventBridge puts such an event
into the target's dead letter queue at once.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html (SourceAccount)
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html (topics)
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html (NO_PERMISSIONS, attributes)
https://docs.aws.amazon.com/lambda/latest/dg/with-s3.html (SourceArn and SourceAccount)
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, lambda_svc, s3, sns

from tests.local import queues
from tests.local.upstream import around, needs

type Record = dict[str, Any]

_ACTIONS = {"lambda": "lambda:InvokeFunction", "sns": "sns:Publish", "sqs": "sqs:SendMessage"}
_EVENTS = "events.amazonaws.com"
_log = logging.getLogger(__name__)


def invoke_target(original: Callable[..., None], target: Record, event: Record, rule: Record, view: Any = None) -> None:
    """Deliver an event to one target of a rule, or to the target's dead letter queue."""
    arn, kind = target["Arn"], target["Arn"].split(":")[2]
    sent = {} if kind == "sns" else {"aws:sourcearn": rule["Arn"]}
    if kind not in _ACTIONS or _lets(_policy(arn), _EVENTS, _ACTIONS[kind], arn, sent):
        original(target, event, rule, view)
        return
    _log.warning("EventBridge may not deliver from %s to %s", rule["Arn"], arn)
    lost = (target.get("DeadLetterConfig") or {}).get("Arn")
    if lost and _lets(queues.policy(lost), _EVENTS, _ACTIONS["sqs"], lost, {"aws:sourcearn": rule["Arn"]}):
        whole = (view or eventbridge._pattern_event_view(event)).event_with_detail()
        why = {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "not authorized", "RETRY_ATTEMPTS": "0"}
        queues.put(lost, json.dumps(whole), {"RULE_ARN": rule["Arn"], "TARGET_ARN": arn, **why})


def deliver_event_to_lambda(original: Callable[..., None], arn: str, event_payload: Record, bucket_region: str) -> None:
    """Deliver a bucket's notification; S3 refuses a configuration whose function would not let it in."""
    bucket = event_payload["Records"][0]["s3"]["bucket"]["arn"]
    sent = {"aws:sourcearn": bucket, "aws:sourceaccount": get_account_id()}
    if _lets(_policy(arn), "s3.amazonaws.com", _ACTIONS["lambda"], arn, sent):
        original(arn, event_payload, bucket_region)
    else:
        _log.warning("S3 may not deliver from %s to %s", bucket, arn)


def _policy(arn: str) -> str | Record:
    """Return the resource policy of a function, topic or queue; empty when there is none."""
    match arn.split(":")[2]:
        case "lambda":
            found = lambda_svc.function_policy_for_arn(arn)
            return found[0] if found else ""
        case "sns":
            topic = sns._topic_by_arn_any_scope(arn)
            return str(topic["attributes"].get("Policy") or "") if topic else ""
    return queues.policy(arn)


def _lets(policy: str | Record, service: str, action: str, resource: str, sent: Mapping[str, str]) -> bool:
    """Return whether a policy lets a service act on a resource, given what the service sends with its request."""
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context=dict(sent),
    )
    return bool(evaluate_resource_policy(policy, context, service=service).decision == "Allow")


def install() -> None:
    """Ask the target's policy first."""
    needs(eventbridge, "_pattern_event_view")
    needs(lambda_svc, "function_policy_for_arn")
    needs(sns, "_topic_by_arn_any_scope")
    around(eventbridge, "_invoke_target", invoke_target)
    around(s3, "_deliver_event_to_lambda", deliver_event_to_lambda)
