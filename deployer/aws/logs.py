"""CloudWatch Logs: an application's log events about failed calls of one version."""

import time
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from deployer.aws.errors import or_unread
from deployer.model.health import Unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_logs import CloudWatchLogsClient

_EVENTS = 50
_LOADED = "release.loaded"
"""The bootstrap's log event of an environment that has loaded its release."""
_COUNTING = 20.0
"""Seconds."""
_DAYS = 2
"""A stream's name has the day on which its environment began: yesterday's may still be in use."""


class Logs:
    """The log groups of applications. The client is made at the first use, because most calls need none."""

    def __init__(self, connect: "Callable[[], CloudWatchLogsClient]") -> None:
        self._connect = connect

    @cached_property
    def _client(self) -> "CloudWatchLogsClient":
        return self._connect()

    @staticmethod
    def group(function: str) -> str:
        """Return the name of a function's log group, as the template makes it."""
        return f"/aws/lambda/{function}"

    def events(
        self,
        function: str,
        version: str,
        since: datetime,
        until: datetime,
        terms: tuple[str, ...],
        *,
        patience: float = 10,
    ) -> tuple[str, ...]:
        """Return events of a version that contain one of some terms, newest first.

        It is best effort: events that cannot be read are missing, and no call begins after `patience` seconds.
        """
        found: list[str] = []
        events = islice(self._find(function, version, since, until, terms, patience), _EVENTS)
        or_unread("logs.unreadable", lambda: found.extend(events), function=function)
        return tuple(found)

    def loads(self, function: str, version: str, since: datetime, until: datetime) -> int | Unread:
        """Return how many environments of a version have loaded the release: each reports it in one event."""
        events = self._find(function, version, since, until, (_LOADED,), _COUNTING)
        return or_unread("logs.unreadable", lambda: sum(1 for _ in events), function=function)

    def _find(
        self, function: str, version: str, since: datetime, until: datetime, terms: tuple[str, ...], patience: float
    ) -> "Iterator[str]":
        """Yield events as they are found; raise TimeoutError when there may be more after `patience` seconds.

        Pages may be empty, and more may follow. Source: CloudWatch Logs API reference, FilterLogEvents.
        """
        deadline = time.monotonic() + patience
        for prefix in _streams(function, version, until):
            if time.monotonic() > deadline:
                raise TimeoutError("the log is longer than can be read in time")
            pages = self._client.get_paginator("filter_log_events").paginate(
                logGroupName=self.group(function),
                logStreamNamePrefix=prefix,
                startTime=int(since.timestamp() * 1000),
                filterPattern=" ".join(f'?"{term}"' for term in terms),
                startFromHead=False,
            )
            for page in pages:
                yield from (event["message"] for event in page["events"])
                if "nextToken" in page and time.monotonic() > deadline:
                    raise TimeoutError("the log is longer than can be read in time")


def _streams(function: str, version: str, until: datetime) -> "Iterator[str]":
    """Yield the prefixes of a version's streams; in a custom log group they have the function's name, too.

    Sources: Lambda developer guide, viewing CloudWatch logs, and configuring CloudWatch log groups.
    """
    for day in range(_DAYS):
        date = f"{until - timedelta(days=day):%Y/%m/%d}"
        yield f"{date}/[{version}]"
        yield f"{date}/{function}[{version}]"
