"""Policies, patterns and templates are as small as AWS's documents ask, with every option switched on."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import template as sam
from tests.pure.test_template_permissions import EVERYTHING
from tests.reliances.limits import TEMPLATE

STACK = sam.stack(**EVERYTHING)
FILES = (sam.PATH, sam.APPLICATION)


def _compact(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())


def _policies_of_a_role() -> list[int]:
    roles = STACK.of_type("AWS::IAM::Role").values()
    return [sum(_compact(one["PolicyDocument"]) for one in role.get("Policies", ())) for role in roles]


def _policies_of_a_function() -> list[int]:
    """Lambda writes a statement for each permission: some 300 bytes more than the permission's own fields."""
    permissions = STACK.of_type("AWS::Lambda::Permission").values()
    return [sum(_compact(one) + 300 for one in permissions)]


def _rules() -> list[dict[str, Any]]:
    return list(STACK.of_type("AWS::Events::Rule").values())


def _declared(section: str) -> list[int]:
    return [len(one.get(section, ())) for one in (STACK.template, sam.application())]


MEASURES: dict[str, Callable[[], list[int]]] = {
    "inline policies of a role together": _policies_of_a_role,
    "policy of a bucket": lambda: [
        _compact(one["PolicyDocument"]) for one in STACK.of_type("AWS::S3::BucketPolicy").values()
    ],
    "resource-based policy of a function": _policies_of_a_function,
    "pattern of a rule": lambda: [_compact(rule["EventPattern"]) for rule in _rules() if "EventPattern" in rule],
    "targets of a rule": lambda: [len(rule.get("Targets", ())) for rule in _rules()],
    "template in S3": lambda: [file.stat().st_size for file in FILES],
    "resources of a stack": lambda: _declared("Resources"),
    "parameters of a stack": lambda: _declared("Parameters"),
    "outputs of a stack": lambda: _declared("Outputs"),
    "description of a template": lambda: [
        len(str(one["Description"]).encode()) for one in (sam.source(), sam.application())
    ],
}


@pytest.mark.parametrize("name", TEMPLATE)
def test_the_template_keeps_to_a_limit(name: str) -> None:
    sizes = MEASURES[name]()
    assert sizes
    assert 0 < max(sizes) <= TEMPLATE[name][0]
