"""Pure: what a person is told. Every answer is JSON that also reads well on a terminal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from deployer import reports
from deployer.alias import Alias
from deployer.record import Record
from deployer.values import Problem, Value

type Answer = dict[str, Any]

MOST = 100
"""Records that are looked through for a release's name."""


class Serving(Value):
    """A version that has traffic, and which release it is."""

    version: str
    share: int
    """Percent."""
    release: str
    release_id: str | None = None
    dropped: datetime | None = None
    bundle: str
    """"intact", "missing", or "none" for a version that was not made from a release."""


def refused(problems: Sequence[Problem]) -> Answer:
    """Say what is wrong with what was asked; nothing was changed."""
    return {
        "answer": "refused; nothing was changed",
        "report": reports.text(problems).splitlines(),
        "problems": [problem.model_dump() for problem in problems],
    }


def refusal(where: str, found: str, allowed: str, remedy: str) -> Answer:
    """Refuse for one reason."""
    return refused([Problem(where=where, found=found, allowed=allowed, remedy=remedy)])


def nothing_to_do(why: str) -> Answer:
    """Say that the world is already as asked."""
    return {"answer": f"nothing to do: {why}"}


def done(what: str, *, dry_run: bool = False, **more: object) -> Answer:
    """Say what was done, or what would be."""
    return {"answer": f"would {what}" if dry_run else what, **more}


def status(
    application: str, alias: Alias, serving: Sequence[Serving], running: Sequence[Record], now: datetime
) -> Answer:
    """Tell where an application's traffic is and which releases are under way."""
    shares = ", ".join(_share(one, now) for one in serving)
    under_way = "; ".join(progress(record) for record in running) or "no release under way"
    return {
        "application": application,
        "answer": f"{shares}; {under_way}",
        "traffic": [one.model_dump(mode="json", exclude_none=True) for one in serving],
        "previous": alias.previous,
        "paused": alias.paused,
        "moved_by_others": alias.note is not None and not alias.ours,
        "under_way": [under_way_record(record) for record in running],
    }


def _share(one: Serving, now: datetime) -> str:
    age = f", dropped {_ago(now - one.dropped)} ago" if one.dropped else ""
    gone = ", its bundle is MISSING" if one.bundle == "missing" else ""
    return f"{one.share} % {one.release} (version {one.version}{age}{gone})"


def _ago(age: timedelta) -> str:
    """Tell an age in its largest unit."""
    seconds = int(age.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def progress(record: Record) -> str:
    """Say in a line where a release stands."""
    stage = f" at {record.weight} %" if record.weight else ""
    verdict = f", {record.verdict}" if record.verdict else ""
    return f"{record.release} is {record.status}{stage}{verdict}"


def under_way_record(record: Record) -> dict[str, Any]:
    """Tell a release's record without what is empty."""
    return {key: value for key, value in record.model_dump(mode="json").items() if value not in ("", None, [], 0)}


def history(application: str, records: Sequence[Record]) -> Answer:
    """Tell the releases written about last, newest drop first."""
    records = sorted(records, key=lambda record: record.timeline[0].at, reverse=True)
    return {
        "application": application,
        "answer": [f"{record.timeline[0].at:%Y-%m-%d %H:%M:%S} {ending(record)}" for record in records],
        "releases": [under_way_record(record) for record in records],
    }


def ending(record: Record) -> str:
    """Say in a line how a release ended, or where it stands."""
    reason = f": {record.reason}" if record.reason else ""
    version = f" (version {record.version})" if record.version else ""
    return f"{record.release}{version} {record.status}{reason}"
