"""Functions' logs: a stream's name has the version, an error is one event, and events are found as AWS finds them.

Upstream names all streams alike, makes an event of each line of a traceback, and knows no prefix of a stream's name,
no order, no optional term and no id of an event. Patterns for JSON and regular expressions are refused: nothing here
needs them.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html (names of streams)
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html (unstructured log events)
"""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import cloudwatch_logs, lambda_svc

from tests.local.upstream import around, needs

type Record = dict[str, Any]
_TERM = re.compile(r'(?P<sign>[?-]?)(?:"(?P<phrase>[^"]+)"|(?P<word>\w+))')
_MOST = 10_000


def emit(
    _original: Callable[..., None],
    func: Record,
    request_id: str,
    log_text: str,
    error: bool,
    duration_ms: int,
    *,
    log_source: str | None = None,
) -> None:
    """Write an invocation's log. A line feed ends an event; the runtime writes a traceback with carriage returns."""
    config = func.get("config") or func
    name, version = config["FunctionName"], config.get("Version", "$LATEST")
    ours = [line for line in log_text.split("\n") if line]
    report = f"REPORT RequestId: {request_id}\tDuration: {duration_ms} ms"
    lines = [f"START RequestId: {request_id} Version: {version}", *ours, f"END RequestId: {request_id}", report]
    chosen = (config.get("LoggingConfig") or {}).get("LogGroup")
    group = _group(chosen or f"/aws/lambda/{name}")
    _write(
        group, f"{datetime.now(UTC):%Y/%m/%d}/{name if chosen else ''}[{version}]{new_uuid().replace('-', '')}", lines
    )


def _group(name: str) -> Record:
    if name not in cloudwatch_logs._log_groups:
        cloudwatch_logs._create_log_group({"logGroupName": name})
    group: Record = cloudwatch_logs._log_groups[name]
    return group


def _write(group: Record, stream: str, lines: Iterable[str]) -> None:
    now = int(time.time() * 1000)
    times = ("firstEventTimestamp", "lastEventTimestamp", "lastIngestionTime")
    kept: Record = {"events": [], "uploadSequenceToken": "1", "creationTime": now, **dict.fromkeys(times)}
    each = {"timestamp": now, "ingestionTime": now}
    events = [{**each, "message": line, "eventId": f"{uuid.uuid4().int:056d}"} for line in lines]
    cloudwatch_logs._append_log_events(group["streams"].setdefault(stream, kept), events)


def filter_log_events(original: Callable[..., Any], data: Record) -> Any:
    """Find events by the prefix of their stream's name and by words, in the order that was asked for."""
    try:
        wanted = _matcher(data.get("filterPattern", ""))
    except ValueError as problem:
        return error_response_json("InvalidParameterException", str(problem))
    if "logStreamNamePrefix" in data and "logStreamNames" in data:
        return error_response_json("InvalidParameterException", "either a prefix or names")
    status, headers, body = original(data | {"filterPattern": "", "limit": _MOST})
    if status != 200:
        return status, headers, body
    prefix = data.get("logStreamNamePrefix", "")
    found = [
        event
        for event in json.loads(body)["events"]
        if event["logStreamName"].startswith(prefix) and wanted(event["message"])
    ]
    ordered = found if data.get("startFromHead", True) else found[::-1]
    return json_response({"events": ordered[: data.get("limit", _MOST)], "searchedLogStreams": []})


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Return what a filter pattern for unstructured events lets through; beside others, optional terms do nothing."""
    if _TERM.sub("", pattern).strip():
        raise ValueError(f"Invalid filter pattern: {pattern}")
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    for term in _TERM.finditer(pattern):
        terms[term["sign"]].append(term["phrase"] or term["word"])
    needed, optional, excluded = terms[""], terms["?"], terms["-"]

    def lets_through(message: str) -> bool:
        if needed or excluded:
            return all(_holds(message, term) for term in needed) and not any(_holds(message, term) for term in excluded)
        return not optional or any(_holds(message, term) for term in optional)

    return lets_through


def _holds(message: str, term: str) -> bool:
    """Return whether a message holds a term as whole words, in the same case."""
    return re.search(rf"(?<!\w){re.escape(term)}(?!\w)", message) is not None


def install() -> None:
    """Write and find events."""
    needs(cloudwatch_logs, "_log_groups", "_append_log_events", "_create_log_group")
    around(lambda_svc, "_emit_lambda_logs", emit)
    around(cloudwatch_logs, "_filter_log_events", filter_log_events)
