"""EventBridge: announces the changes of releases."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from deployer import telemetry
from deployer.model.record import Record
from deployer.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "dropshift"
DETAIL_TYPE = "Release Changed"


class EventPublisher:
    """Announces each change of a release, at least once."""

    def __init__(self, client: "EventBridgeClient", settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def announce(self, record: Record) -> None:
        """Send the last change; see events/out-release-changed.json. Traffic never waits for an announcement."""
        entry = {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(detail(record, self._settings.function(record.application)), ensure_ascii=False),
            "EventBusName": self._settings.event_bus,
        }
        try:
            answer = self._client.put_events(Entries=[entry])  # type: ignore[list-item]  # the keys that it asks for
        except (ClientError, BotoCoreError) as error:
            telemetry.warn("announcement.lost", reason=str(error), release=record.release_id)
            return
        if answer["FailedEntryCount"]:
            telemetry.warn("announcement.lost", reason=str(answer["Entries"]), release=record.release_id)


def detail(record: Record, function: str) -> dict[str, object]:
    """Pure: return the change in the fields of the documented schema."""
    latest = record.timeline[-1]
    return {
        "application": record.application,
        "function": function,
        "release": record.release,
        "releaseId": record.release_id,
        "status": record.status.value,
        "what": latest.what,
        "at": latest.at.isoformat(),
        "reason": record.reason,
        "version": record.version,
        "weight": record.weight,
        "by": latest.by or None,
    }
