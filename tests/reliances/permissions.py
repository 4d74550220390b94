"""The permissions that a recorded request of the deployer needs, and whether the template grants them to its role."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from tests import template as sam
from tests.reliances import reference

_OF = f"{sam.REGION}:{sam.ACCOUNT}"
_OPTIONS = {"SigningKey": f"arn:aws:kms:{_OF}:key/*", "KeepRecordsDays": "365"}
"""Rights that the tests' settings switch on."""
_BUCKETS = {name: f"dropshift-{name}-{sam.ACCOUNT}-{sam.REGION}" for name in ("releases", "bundles")}
"""By the names of the account in memory."""
_OBJECTS = {
    "HeadObject": "GetObject",
    "GetObject": "GetObject",
    "PutObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
    "DeleteObject": "DeleteObject",
}
_LISTS = {"ListObjectsV2": "ListBucket", "ListObjectVersions": "ListBucketVersions"}
_OF_A_VERSION = {"GetObject", "DeleteObject"}
"""Actions with a name of their own where a request names a version."""


@dataclass(frozen=True)
class Need:
    """One action on one resource, with the values that a policy's conditions may ask for."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


def needs(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Need]:
    """Yield what IAM is asked for a request; raises KeyError for an operation that the deployer does not use.

    Sources: Amazon S3 user guide, required permissions for S3 API operations, and conditional writes: `If-Match` needs
    s3:GetObject as well; AWS Lambda developer guide, fine-tuning the resources and conditions of policies.
    """
    match service:
        case "s3":
            yield from _s3(operation, params)
        case "lambda":
            yield Need(f"lambda:{operation.replace('Invoke', 'InvokeFunction')}", _function(params))
        case "logs":
            yield Need(f"logs:{operation}", f"arn:aws:logs:{_OF}:log-group:{params['logGroupName']}")
        case "events":
            for entry in params["Entries"]:
                yield Need(f"events:{operation}", f"arn:aws:events:{_OF}:event-bus/{entry['EventBusName']}")
        case "kms":
            yield Need(f"kms:{operation}", params["KeyId"])
        case "cloudwatch":
            yield Need(f"cloudwatch:{operation}", "*")
        case _:
            raise KeyError(service)


def _s3(operation: str, params: Mapping[str, Any]) -> Iterator[Need]:
    bucket = f"arn:aws:s3:::{_BUCKETS[params['Bucket']]}"
    if operation in _LISTS:
        yield Need(f"s3:{_LISTS[operation]}", bucket, (("s3:prefix", params.get("Prefix", "")),))
        return
    action = _OBJECTS[operation]
    versioned = "Version" if params.get("VersionId") and action in _OF_A_VERSION else ""
    yield Need(f"s3:{action}{versioned}", f"{bucket}/{params['Key']}")
    if "IfMatch" in params:
        yield Need("s3:GetObject", f"{bucket}/{params['Key']}")


def _function(params: Mapping[str, Any]) -> str:
    """Return the ARN that Lambda asks IAM about: a qualified one where the request names a version or an alias."""
    if "DurableExecutionArn" in params:
        return str(params["DurableExecutionArn"])
    name = params["FunctionName"]
    arn = name if name.startswith("arn:") else f"arn:aws:lambda:{_OF}:function:{name}"
    return f"{arn}:{params['Qualifier']}" if "Qualifier" in params else arn


@cache
def problem(role: str, need: Need) -> str | None:
    """Return why a role may not do what it did, or why AWS does not know it; None if all is well."""
    try:
        if misfit := reference.misfit(need.action, need.resource):
            return misfit
    except LookupError as error:
        return str(error)
    if not any(_grants(statement, need) for statement in _statements(role)):
        return f"{role} may not {need.action} on {need.resource}"
    return None


@cache
def _statements(role: str) -> tuple[sam.Statement, ...]:
    return tuple(one for one in sam.stack(**_OPTIONS).statements("Allow") if one.holder == role)


def _grants(statement: sam.Statement, need: Need) -> bool:
    """Return whether a statement allows this: its conditions ask for keys that the action knows, and values it has."""
    if need.action not in statement.actions or not any(fnmatchcase(need.resource, one) for one in statement.resources):
        return False
    asked = [(how, key, value) for how, keys in statement.conditions.items() for key, value in keys.items()]
    return all(_holds(need, *one) for one in asked)


def _holds(need: Need, how: str, key: str, value: Any) -> bool:  # noqa: ANN401 - a policy's value is a text or a list
    if how != "StringLike" or not reference.knows_key(need.action, key):
        raise NotImplementedError(f"{how} of {key} for {need.action}")
    return key in dict(need.context) and fnmatchcase(dict(need.context)[key], value)
