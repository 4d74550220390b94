"""Pure: what a person is told. Every answer is JSON that also reads well on a terminal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from deployer.inspection import report
from deployer.model.alias import Alias
from deployer.model.duration import show
from deployer.model.problem import Problem
from deployer.model.record import Record
from deployer.model.value import Value

type Answer = dict[str, Any]


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
        "report": report.text(problems).splitlines(),
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
    """Tell where an application's traffic is and which releases are under way: in lines, and in fields."""
    moved = alias.recorded is not None and not alias.managed
    return {
        "application": application,
        "answer": [
            *_shares(serving, now),
            *(["the alias was moved by others since the deployer's last move"] if moved else []),
            *([line for record in running for line in progress(record, alias, now)] or ["no release under way"]),
            *([f"a rollback goes to version {alias.previous}"] if alias.previous and not alias.canary else []),
        ],
        "traffic": [one.model_dump(mode="json", exclude_none=True) for one in serving],
        "previous": alias.previous,
        "paused": alias.paused,
        "moved_by_others": moved,
        "under_way": [under_way_record(record) for record in running],
    }


def statuses(each: Sequence[Answer]) -> Answer:
    """Tell of all applications."""
    return {"answer": [f"{one['application']}: {line}" for one in each for line in one["answer"]], "applications": each}


def _shares(serving: Sequence[Serving], now: datetime) -> list[str]:
    """Tell each version's share, in columns."""
    width = max((len(one.release) for one in serving), default=0)
    return [
        f"{one.share:3} %  {one.release:{width}}  version {one.version}{_age(one, now)}{_BUNDLE[one.bundle]}"
        for one in serving
    ]


_BUNDLE = {"intact": ", bundle intact", "missing": ", its bundle is MISSING", "none": ""}


def _age(one: Serving, now: datetime) -> str:
    return f", dropped {_ago(now - one.dropped)} ago" if one.dropped else ""


def _ago(age: timedelta) -> str:
    """Tell an age in its largest unit."""
    seconds = int(age.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def progress(record: Record, alias: Alias, now: datetime) -> list[str]:
    """Say in a line or two where a release stands."""
    if record.version is None or record.version != alias.canary:
        return [f"{record.release} is {record.status}, {_ago(now - record.timeline[-1].at)} ago"]
    verdict = [f"{record.release}: the last look said {record.verdict}"] if record.verdict else []
    return [f"{record.release} is {_stage(record, alias, now)}", *verdict]


def _stage(record: Record, alias: Alias, now: datetime) -> str:
    """Say at which stage of its plan a release is, and what it waits for."""
    if alias.weight not in record.stages:
        return f"at {alias.weight} %"
    number = record.stages.index(alias.weight)
    following = f"{record.stages[number + 1]} %" if number + 1 < len(record.stages) else "all traffic"
    at = f"at stage {number + 1} of {len(record.stages)}, {alias.weight} %"
    if alias.paused:
        return f"{at}, paused; after resume, {following}"
    return f"{at}; {_time_left(record, number, now)}, then {following}"


def _time_left(record: Record, number: int, now: datetime) -> str:
    if record.staged_at is None or number >= len(record.bakes) or record.weight != record.stages[number]:
        return "it began just now"
    bake = record.bakes[number]
    left = bake - (now - record.staged_at)
    if left > timedelta():
        return f"{show(left)} of {show(bake)} left"
    return f"held {show(-left)} beyond its bake of {show(bake)}"


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
