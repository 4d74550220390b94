"""The templates as CloudFormation comes to see them: transformed, and their policies with their names filled in.

The deployer's stack and that of the application hello are read as one: hello's resources have its name before theirs.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

from ministack.services.cloudformation import language_extensions
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader

PATH = Path(__file__).parents[1] / "template.yaml"
APPLICATION = PATH.parent / "deployer" / "application.yaml"
ACCOUNT, REGION, STACK = "123456789012", "eu-central-1", "dropshift"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}

_NO_VALUE = object()

# SAM looks up the managed policies that are named without their ARN; there are none here.
_NO_MANAGED_POLICIES = cast("ManagedPolicyLoader", SimpleNamespace(load=dict))

type Template = dict[str, Any]


def source(text: str | None = None) -> Template:
    """Parse the file (or a variant of its text); short forms of functions become their long ones."""
    parsed = _parsed(text or PATH.read_text())
    hello = _hello()
    return {**parsed, **{section: {**hello[section], **parsed[section]} for section in hello}}


def _parsed(text: str) -> Template:
    return deepcopy(_once_parsed(text))


@cache
def _once_parsed(text: str) -> Template:
    parsed: Template = yaml_parse(text)
    return parsed


def application() -> Template:
    """Parse the template of an application."""
    return _parsed(APPLICATION.read_text())


def _hello() -> Template:
    """Return the stack of the application hello, with the names of one stack with the deployer's."""
    found = application()
    text = json.dumps({name: found[name] for name in ("Parameters", "Conditions", "Resources")})
    for given, meant in (("Deployer", "AWS::StackName"), ("Application", "hello")):
        text = text.replace(f"${{{given}}}", f"${{{meant}}}" if "::" in meant else meant)
    renamed = {name: f"hello{name}".removesuffix("Function") for name in found["Resources"]}
    values = {"Deployer": {"Ref": "AWS::StackName"}, "Application": "hello"}
    sections = _with_references(json.loads(text), renamed, values)
    resources = {renamed[name]: about for name, about in sections["Resources"].items()}
    return {**sections, "Resources": resources}


def _with_references(value: Any, renamed: Mapping[str, str], values: Template) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Ref": str(name)} if name in renamed:
            return {"Ref": renamed[name]}
        case {"Fn::GetAtt": [str(name), attribute]}:
            return {"Fn::GetAtt": [renamed.get(name, name), attribute]}
        case dict():
            return {key: _with_references(inner, renamed, values) for key, inner in value.items()}
        case list():
            return [_with_references(inner, renamed, values) for inner in value]
    return value


def packaged(template: Template, code: str = "s3://code/package.zip") -> Template:
    """Point every function at an uploaded package, as `sam package` does."""
    template = deepcopy(template)
    template["Globals"]["Function"]["CodeUri"] = code
    _, _, bucket, key = code.split("/")
    template["Resources"]["hello"]["Properties"]["Code"] = {"S3Bucket": bucket, "S3Key": key}
    return template


def defaults(template: Template) -> dict[str, str]:
    """Return the parameters with their defaults."""
    return {name: str(about["Default"]) for name, about in template["Parameters"].items()}


def transformed(template: Template, **given: str) -> Template:
    """Apply both transforms, in the order that the template names them; raises what the transforms refuse."""
    return deepcopy(_once_transformed(json.dumps(template), tuple(given.items())))


@cache
def _once_transformed(text: str, given: tuple[tuple[str, str], ...]) -> Template:
    template: Template = json.loads(text)
    parameters = defaults(template) | dict(given)
    flat = language_extensions.apply(deepcopy(template), parameters)
    flat["Transform"] = "AWS::Serverless-2016-10-31"
    with patch.dict(os.environ, AWS_DEFAULT_REGION=REGION):
        result: Template = transform(flat, parameters, _NO_MANAGED_POLICIES)
    return result


@dataclass(frozen=True)
class Names:
    """Fills in what CloudFormation would: names, ARNs, pseudo parameters."""

    template: Template
    parameters: Mapping[str, str]

    def text(self, value: Any) -> Any:  # noqa: ANN401 - a template's value is any JSON
        """Resolve Ref, Fn::GetAtt, Fn::Sub, Fn::Join and Fn::If, at any depth, and leave AWS::NoValue out."""
        if isinstance(value, list):
            return [inner for inner in map(self.text, value) if inner is not _NO_VALUE]
        return self._function(value) if isinstance(value, dict) else value

    def holds(self, condition: Any) -> bool:  # noqa: ANN401 - a condition's name, or what stands for it
        """Decide a condition of the template."""
        match condition:
            case str(name) | {"Condition": str(name)}:
                return self.holds(self.template["Conditions"][name])
            case {"Fn::Equals": [left, right]}:
                return bool(self.text(left) == self.text(right))
            case {"Fn::Not": [inner]}:
                return not self.holds(inner)
            case {"Fn::Or": parts}:
                return any(map(self.holds, parts))
        raise NotImplementedError(f"no condition that is known here: {condition}")

    def _function(self, value: Template) -> Any:  # noqa: ANN401 - as above
        match value:
            case {"Ref": name}:
                return _NO_VALUE if name == "AWS::NoValue" else self._referred(name)
            case {"Fn::If": [condition, then, otherwise]}:
                return self.text(then if self.holds(condition) else otherwise)
            case {"Fn::GetAtt": [name, "Arn"]}:
                return self.arn(name)
            case {"Fn::Sub": given}:
                return self._substituted(*(given if isinstance(given, list) else (given, {})))
            case {"Fn::Join": [separator, parts]}:
                joined = self.text(parts)
                return separator.join(joined) if isinstance(joined, list) else joined
        resolved = {key: self.text(inner) for key, inner in value.items()}
        return {key: inner for key, inner in resolved.items() if inner is not _NO_VALUE}

    def _referred(self, name: str) -> str | list[str]:
        declared = self.template["Parameters"].get(name, {}).get("Type")
        return self.ref(name).split(",") if declared == "CommaDelimitedList" else self.ref(name)

    def _substituted(self, text: str, values: Template) -> str:
        given = {name: str(self.text(value)) for name, value in values.items()}
        return re.sub(r"\$\{([\w:.]+)\}", lambda found: given.get(found[1]) or self._variable(found[1]), text)

    def _variable(self, name: str) -> str:
        return self.arn(name.removesuffix(".Arn")) if name.endswith(".Arn") else self.ref(name)

    def ref(self, name: str) -> str:
        if name in _PSEUDO or name in self.parameters:
            return _PSEUDO.get(name) or self.parameters[name]
        properties = self.template["Resources"][name]["Properties"]
        named = next(iter({"BucketName", "FunctionName", "LogGroupName"} & properties.keys()), None)
        return self.text(properties[named]) if named and "Name" not in properties else f"{STACK}-{name}"

    def arn(self, name: str) -> str:
        resource = self.template["Resources"][name]
        path = self.text(resource["Properties"].get("Path", "/"))
        own = {
            "AWS::S3::Bucket": "arn:aws:s3:::{0}",
            "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role{path}{{0}}",
            "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{0}}",
            "AWS::Serverless::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{0}}",
            "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{0}}:*",
            "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{0}}",
            "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{0}}",
        }[resource["Type"]]
        return own.format(self.ref(name))


@dataclass(frozen=True)
class Statement:
    """One statement of one policy, its lists made lists."""

    holder: str
    """Logical id of the role, bucket policy or queue policy."""
    sid: str | None
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    """All that the statement leaves out; empty if it has resources."""
    conditions: Mapping[str, Any]


@dataclass(frozen=True)
class Stack:
    """Both templates as one stack, transformed, with its parameters."""

    template: Template
    names: Names

    def properties(self, name: str) -> Template:
        """Return a resource's properties with their names filled in."""
        found: Template = self.names.text(self.template["Resources"][name]["Properties"])
        return found

    def of_type(self, kind: str) -> dict[str, Template]:
        """Return the properties of the resources of one type, by logical id."""
        resources = self.template["Resources"]
        return {name: self.properties(name) for name in resources if resources[name]["Type"] == kind}

    def statements(self, effect: str = "") -> tuple[Statement, ...]:
        """Return the statements of every policy, trust policies included; with `effect`, only those of this effect."""
        found = (
            Statement(
                holder,
                statement.get("Sid"),
                statement["Effect"],
                _listed(statement["Action"]),
                _listed(statement.get("Resource", [])),
                _listed(statement.get("NotResource", [])),
                statement.get("Condition", {}),
            )
            for holder, document in _documents(self.template)
            for statement in self.names.text(document)["Statement"]
        )
        return tuple(one for one in found if effect in ("", one.effect))

    def by_sid(self, sid: str) -> list[Statement]:
        """Return the statements of a name."""
        return [one for one in self.statements() if one.sid == sid]


def stack(code: str = "s3://code/package.zip", **given: str) -> Stack:
    """Return the stack with some parameters."""
    template = transformed(packaged(source(), code), **given)
    return Stack(template, Names(template, defaults(template) | given))


def _documents(template: Template) -> Iterator[tuple[str, Template]]:
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        for key in ("AssumeRolePolicyDocument", "PolicyDocument"):
            if key in properties:
                yield name, properties[key]
        for policy in properties.get("Policies", ()):
            yield name, policy["PolicyDocument"]


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
