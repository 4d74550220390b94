"""Events of AWS's own services on the default bus of EventBridge."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.services import eventbridge

from tests.local.upstream import needs

needs(eventbridge, "_put_events")


def put(source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, Any]) -> None:
    """Put one event of an `aws.*` source on the bus of the account and region in scope."""
    entry = {"Source": source, "DetailType": detail_type, "Resources": list(resources), "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def timestamp(seconds: float) -> str:
    """Return a moment, in seconds since the epoch, as events spell it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
