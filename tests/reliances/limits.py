"""The limits that AWS's documents set and no model holds, with the page that has the sentence.

A limit of a request is measured on its parameters as they arrive, a limit of the template on what it deploys.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_DOCS = "https://docs.aws.amazon.com"
_LAMBDA = f"{_DOCS}/lambda/latest/dg/gettingstarted-limits.html"
_INVOKE = f"{_DOCS}/lambda/latest/api/API_Invoke.html"
_ROUTING = f"{_DOCS}/lambda/latest/dg/configuring-alias-routing.html"
_S3 = f"{_DOCS}/AmazonS3/latest/userguide"
_CLOUDWATCH = f"{_DOCS}/AmazonCloudWatch/latest"
_METRIC_DATA = f"{_CLOUDWATCH}/APIReference/API_GetMetricData.html"
_EVENTBRIDGE = f"{_DOCS}/eventbridge/latest"
_PUT_EVENTS = f"{_EVENTBRIDGE}/userguide/eb-putevents.html"
_CLOUDFORMATION = f"{_DOCS}/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
ENVIRONMENT = 4 * KB
STEP_RESULT = 262_144
OPERATIONS = 3_000
PERSISTED = 100 * MB
type Params = Mapping[str, Any]


@dataclass(frozen=True)
class Limit:
    """A size or a count that a request of these operations may have at most."""

    name: str
    most: int
    unit: str
    source: str
    operations: tuple[str, ...]
    measure: Callable[[Params], int | None]
    """None where the limit does not concern a request."""


@dataclass(frozen=True)
class Rate:
    """Requests that an account may make in a second and Region; where Regions differ, in the slowest."""

    name: str
    per_second: int
    source: str
    operations: tuple[str, ...]
    """Empty for all others of the service."""


def _environment(params: Params) -> int | None:
    if "Environment" not in params:
        return None
    return len(json.dumps(params["Environment"]["Variables"], separators=(",", ":"), ensure_ascii=False).encode())


def _payload(*, asynchronous: bool) -> Callable[[Params], int | None]:
    def measure(params: Params) -> int | None:
        return len(params.get("Payload", b"")) if (params.get("InvocationType") == "Event") is asynchronous else None

    return measure


def _storage(params: Params) -> int | None:
    return params.get("EphemeralStorage", {}).get("Size")  # type: ignore[no-any-return]  # a model's integer


def _length(name: str) -> Callable[[Params], int]:
    """Return the measure of a parameter's bytes, or of its items."""
    return lambda params: len(found.encode() if isinstance(found := params.get(name, b""), str) else found)


def _metadata(params: Params) -> int:
    return sum(len(f"{name}{value}".encode()) for name, value in params.get("Metadata", {}).items())


def _points(params: Params) -> int:
    """Return the values that are asked for, were each there."""
    seconds = params["EndTime"] - params["StartTime"]
    periods = [query["MetricStat"]["Period"] for query in params["MetricDataQueries"]]
    return sum(-int(-seconds // period) for period in periods)


def _entries(params: Params) -> int:
    """Return the size of all entries. Source: EventBridge user guide, calculating PutEvents event entry size."""
    texts = [str(entry.get(name, "")) for entry in params["Entries"] for name in ("Source", "DetailType", "Detail")]
    return sum(len(text.encode()) for text in texts)


def _weights(params: Params) -> int:
    return len(params.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))


_WRITES = ("s3:PutObject", "s3:CreateMultipartUpload", "s3:UploadPart", "s3:CompleteMultipartUpload")
_CONFIGURE, _CALLS = ("lambda:UpdateFunctionConfiguration",), ("lambda:Invoke",)
_PART, _METRICS = ("s3:UploadPart",), ("cloudwatch:GetMetricData",)
_NEWER = "bytes; the newest pages say 1 MB"

LIMITS = (
    Limit("variables of a function together", ENVIRONMENT, "bytes", _LAMBDA, _CONFIGURE, _environment),
    Limit("memory of a function", 10_240, "MB", _LAMBDA, _CONFIGURE, lambda one: one.get("MemorySize")),
    Limit("timeout of a function", 900, "s", _LAMBDA, _CONFIGURE, lambda one: one.get("Timeout")),
    Limit("`/tmp` of a function", 10_240, "MB", _LAMBDA, _CONFIGURE, _storage),
    Limit("versions beside an alias's own", 1, "versions", _ROUTING, ("lambda:UpdateAlias",), _weights),
    Limit("payload of a synchronous call", 6 * MB, "bytes", _LAMBDA, _CALLS, _payload(asynchronous=False)),
    Limit("payload of an asynchronous call", MB, "bytes", _LAMBDA, _CALLS, _payload(asynchronous=True)),
    Limit("client context of a call", 3_583, "bytes of Base64", _INVOKE, _CALLS, _length("ClientContext")),
    Limit("key of an object", 1_024, "bytes of UTF-8", f"{_S3}/object-keys.html", _WRITES, _length("Key")),
    Limit("metadata of an object", 2 * KB, "bytes", f"{_S3}/UsingMetadata.html", _WRITES, _metadata),
    Limit("object of one request", 5 * GB, "bytes", f"{_S3}/upload-objects.html", ("s3:PutObject",), _length("Body")),
    Limit("part of an object", 5 * GB, "bytes", f"{_S3}/qfacts.html", _PART, _length("Body")),
    Limit("number of a part", 10_000, "parts", f"{_S3}/qfacts.html", _PART, lambda one: int(one["PartNumber"])),
    Limit("metrics of a request", 500, "queries", _METRIC_DATA, _METRICS, _length("MetricDataQueries")),
    Limit("values of a request", 100_800, "data points", _METRIC_DATA, _METRICS, _points),
    Limit("all entries of a request", 256 * KB, _NEWER, _PUT_EVENTS, ("events:PutEvents",), _entries),
)
LEAST_PART = 5 * MB
"""Bytes of every part but the last. Source: Amazon S3 user guide, multipart upload limits."""

ENGINE = (
    ("result of a step", STEP_RESULT, "bytes", "https://github.com/aws/aws-durable-execution-sdk-python/issues/342"),
    ("operations of an execution", OPERATIONS, "operations", _LAMBDA),
    ("all payloads that an execution keeps", PERSISTED, "bytes", _LAMBDA),
)
"""The durable execution's limits: the engines of the tests refuse what is beyond them."""

_IAM = f"{_DOCS}/IAM/latest/UserGuide/reference_iam-quotas.html"
TEMPLATE = {
    "inline policies of a role together": (10_240, "characters without white space", _IAM),
    "policy of a bucket": (20 * KB, "bytes", f"{_S3}/add-bucket-policy.html"),
    "resource-based policy of a function": (20 * KB, "bytes", _LAMBDA),
    "pattern of a rule": (2_048, "characters", f"{_EVENTBRIDGE}/userguide/eb-quota.html"),
    "targets of a rule": (5, "targets", f"{_EVENTBRIDGE}/userguide/eb-quota.html"),
    "template in S3": (MB, "bytes", _CLOUDFORMATION),
    "resources of a stack": (500, "resources", _CLOUDFORMATION),
    "parameters of a stack": (200, "parameters", _CLOUDFORMATION),
    "outputs of a stack": (200, "outputs", _CLOUDFORMATION),
    "description of a template": (1_024, "bytes", _CLOUDFORMATION),
}

_PREFIX = f"{_S3}/optimizing-performance.html"
_QUOTAS = f"{_CLOUDWATCH}/monitoring/cloudwatch_limits.html"
RATES = (
    Rate("Lambda's control plane", 15, _LAMBDA, ()),
    Rate("GetFunction", 100, _LAMBDA, ("lambda:GetFunction",)),
    Rate("GetDurableExecution", 30, _LAMBDA, ("lambda:GetDurableExecution",)),
    Rate("starts of durable executions", 300, _LAMBDA, ("lambda:Invoke",)),
    Rate("GetMetricData", 500, _QUOTAS, ("cloudwatch:GetMetricData",)),
    Rate("DescribeAlarms", 9, _QUOTAS, ("cloudwatch:DescribeAlarms",)),
    Rate("FilterLogEvents", 5, f"{_CLOUDWATCH}/logs/cloudwatch_limits_cwl.html", ("logs:FilterLogEvents",)),
    Rate("PutEvents", 400, f"{_EVENTBRIDGE}/userguide/eb-quota.html", ("events:PutEvents",)),
    Rate("writes of a prefix in S3", 3_500, _PREFIX, (*_WRITES, "s3:DeleteObject", "s3:AbortMultipartUpload")),
    Rate("reads of a prefix in S3", 5_500, _PREFIX, ("s3:GetObject", "s3:HeadObject", "s3:ListObjectsV2")),
)


def beyond(service: str, operation: str, params: Params) -> Iterator[str]:
    """Name every limit that a request exceeds."""
    for limit in LIMITS:
        if f"{service}:{operation}" in limit.operations:
            size = limit.measure(params)
            if size is not None and size > limit.most:
                yield f"{operation}: {limit.name} would be {size}; at most {limit.most} {limit.unit}"
