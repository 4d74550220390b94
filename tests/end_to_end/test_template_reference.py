"""Every action, resource and condition key of the template is one of AWS's, and they go together.

A statement that names another one is accepted by IAM and grants nothing.
"""

import pytest

from tests import template as sam
from tests.pure.test_template_permissions import EVERYTHING
from tests.reliances.reference import knows_key, meet, misfit, tokens

STATEMENTS = sam.stack(**EVERYTHING).statements()
GRANTED = [(statement, action) for statement in STATEMENTS for action in statement.actions if "*" not in action]


def _name(statement: sam.Statement) -> str:
    return f"{statement.holder}-{statement.sid}"


@pytest.mark.parametrize(("statement", "action"), GRANTED, ids=lambda one: one if isinstance(one, str) else _name(one))
def test_an_action_is_known_and_every_resource_named_with_it_is_of_a_type_that_it_takes(
    statement: sam.Statement, action: str
) -> None:
    assert not list(filter(None, (misfit(action, one) for one in statement.resources + statement.not_resources)))


@pytest.mark.parametrize(("statement", "action"), GRANTED, ids=lambda one: one if isinstance(one, str) else _name(one))
def test_a_condition_key_is_one_that_the_action_knows(statement: sam.Statement, action: str) -> None:
    assert not [key for keys in statement.conditions.values() for key in keys if not knows_key(action, key)]


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
    assert meet(pattern, tokens(arn)) is fits
