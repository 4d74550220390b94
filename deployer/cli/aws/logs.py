"""A function's log, as it is written."""

from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from deployer.cli.aws.session import code_of, sentences
from deployer.cli.aws.stack import Stack
from deployer.cli.exits import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_logs import CloudWatchLogsClient

_OVERLAP = 10_000
"""Milliseconds that are read again: an event may become visible after later ones."""


class Line(NamedTuple):
    """One event of a log."""

    at: int
    """Milliseconds since 1970."""
    message: str


class Log:
    """The log group of one function, read once or again and again."""

    def __init__(self, stack: Stack, function: str) -> None:
        with sentences():
            self._client: CloudWatchLogsClient = stack.session.boto.client("logs", config=stack.session.patient)
        self._group = f"/aws/lambda/{function}"
        self._seen: dict[str, int] = {}

    def since(self, moment: int) -> list[Line]:
        """Return the events since a moment, in milliseconds, that no earlier call returned, oldest first."""
        with sentences():
            found = list(self._new(moment))
        return sorted(found)

    def _new(self, moment: int) -> "Iterator[Line]":
        begin = moment - _OVERLAP if self._seen else moment
        pages = self._client.get_paginator("filter_log_events").paginate(logGroupName=self._group, startTime=begin)
        try:
            for event in (event for page in pages for event in page["events"]):
                identity = event["eventId"]
                if identity not in self._seen:
                    self._seen[identity] = event["timestamp"]
                    yield Line(event["timestamp"], event["message"].rstrip("\n"))
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            raise self._missing() from error
        self._seen = {identity: at for identity, at in self._seen.items() if at >= begin}

    def _missing(self) -> Exception:
        return unknown("log", f"there is no {self._group}", "an application of the stack", "see `dropshift status`")
