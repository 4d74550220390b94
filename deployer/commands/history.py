"""Pure: releases and how they ended, in lines and in fields."""

from collections.abc import Sequence
from typing import Any

from deployer.commands.answers import Answer, titled
from deployer.model.record import Record
from deployer.model.text import said_by

_NOTABLE = 0.5
"""Seconds from which a step is named in a line of `history`."""


def history(application: str, records: Sequence[Record], limit: int, keep_days: int) -> Answer:
    """Return releases and how they ended, in the order given; and why there are no more, if records are deleted."""
    times = [record.ended_at or record.timeline[-1].at for record in records]
    lines = [f"{at:%Y-%m-%d %H:%M:%S} {ending(record)}" for at, record in zip(times, records, strict=True)]
    ends = keep_days and len(records) < limit
    last = [f"older records are deleted after {keep_days} days, unless they are needed (KeepRecordsDays)"]
    return {
        "application": application,
        "answer": [*lines, *(last if ends else [])],
        "releases": [fields_of(record) for record in records],
    }


def ending(record: Record) -> str:
    """Return the ending of a release, or its state, in one line."""
    reason = f": {record.reason}{said_by(record.ended_by)}" if record.reason else ""
    line = f"{titled(record.release, record.version)} {record.status}{reason}{_spent(record)}"
    if not record.rolled_back:
        return line
    back = record.rolled_back
    return f"{line}; rolled back by command at {back.at:%Y-%m-%d %H:%M:%S}: {back.reason}{said_by(back.by)}"


def _spent(record: Record) -> str:
    """Return the steps that took the longest, in the order in which they ran."""
    steps = {step.replace("_", " "): taken for step, taken in record.seconds.items() if taken >= _NOTABLE}
    return f" ({', '.join(f'{step} {taken:.1f} s' for step, taken in steps.items())})" if steps else ""


def fields_of(record: Record) -> dict[str, Any]:
    """Return the fields of a release's record that are not empty."""
    return {key: value for key, value in record.model_dump(mode="json").items() if value not in ("", None, [], 0)}
