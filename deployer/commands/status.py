"""Pure: the answer to `status`: where the traffic is, how far a release is, and what it waits for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from deployer.commands.answers import Answer, titled
from deployer.commands.history import fields_of
from deployer.commands.state import Serving, State, Summary, Warm
from deployer.inspection import report
from deployer.model.alias import Alias
from deployer.model.duration import age, show
from deployer.model.overview import IgnoredDrop
from deployer.model.price import SOURCE
from deployer.model.record import Record
from deployer.model.text import said_by

_NOTHING_BEFORE = "nothing to roll back to yet"
_LINES = 12
"""Lines of one release's problems that `status` shows."""
_BUNDLE = {"present": ", bundle present", "missing": ", its bundle is MISSING", "none": ""}


def status(application: str, state: State, now: datetime) -> Answer:
    """Return where an application's traffic is and which releases are under way: in lines, and in fields."""
    alias = state.alias
    moved = alias.recorded is not None and not alias.managed
    first = [*(["others moved the alias after the deployer's last move"] if moved else []), *_warm(state.warm)]
    last = [
        *(_rollback(state, state.rolled_back) if state.rolled_back else []),
        *(_ended(state.ended, now) if state.ended else []),
        *_ignored(state.ignored, now),
        *([] if alias.canary else [f"a rollback goes to {state.previous}" if state.previous else _NOTHING_BEFORE]),
    ]
    return {
        "application": application,
        "answer": [*_shares(state.serving, now), *first, *_under_way(state, now), *last],
        "notes": [*first, *last],
        "traffic": [one.model_dump(mode="json", exclude_none=True) for one in state.serving],
        "provisioned": [one.model_dump(mode="json") for one in state.warm],
        "previous": alias.previous if state.previous else None,
        "paused": alias.paused,
        "moved_by_others": moved,
        "under_way": [fields_of(record) for record in state.under_way],
        "ended": fields_of(state.ended) if state.ended else None,
        "ignored": [one.model_dump(mode="json") for one in state.ignored],
    }


def _warm(warm: Sequence[Warm]) -> list[str]:
    """Return lines about the environments kept ready, and their cost."""
    return [
        f"{titled(one.release, one.version)} keeps {one.environments} environments ready ({one.status}),"
        f" about ${one.dollars_per_hour:,.2f} an hour (estimate: {SOURCE})"
        for one in warm
    ]


def _under_way(state: State, now: datetime) -> list[str]:
    lines = [line for record in state.under_way for line in progress(record, state.alias, now)]
    more = [f"{state.not_shown} more drops wait; all but the newest will end superseded"] if state.not_shown else []
    return [*lines, *more] or ["no release under way"]


def _rollback(state: State, left: Record) -> list[str]:
    """Return the release that is live since a rollback by command, and the reason of the rollback."""
    stable = state.serving[0].release
    found = left.rolled_back
    since = f" since {found.at:%H:%M}" if found else ""
    reason = found.reason if found else left.reason
    by = said_by(found.by if found else left.ended_by)
    return [f"{stable} is live again{since}; {left.release} was rolled back by command: {reason}{by}"]


def _ended(record: Record, now: datetime) -> list[str]:
    """Return how the newest drop ended, with what to do about it."""
    dropped = age(now - record.timeline[0].at)
    head = f"{record.release}, dropped {dropped} ago, ended {record.status}: {record.reason}{said_by(record.ended_by)}"
    detail = report.text(record.problems).splitlines() if record.problems else []
    return [head, *(f"    {line.strip()}" for line in detail[:_LINES])]


def summary(found: Summary, now: datetime) -> Answer:
    """Return in a few lines and fields where one of many applications stands."""
    dropped = f", dropped {age(now - found.dropped)} ago" if found.dropped else ""
    serving = f"{titled(found.release, found.version)} is live{dropped}" if found.release else "no release yet"
    running = [
        f"{one.release} is {_running(one, now)}" + (f", {one.weight} % of the traffic" if one.weight else "")
        for one in found.under_way
    ]
    ended = _ended(found.ended, now)[:1] if found.ended else []
    return {
        "application": found.application,
        "answer": [serving, *running, *ended, *_ignored(found.ignored, now)],
        "version": found.version,
        "release": found.release,
        "under_way": [fields_of(one) for one in found.under_way],
    }


def statuses(each: Sequence[Answer], ignored: Sequence[IgnoredDrop], now: datetime) -> Answer:
    """Return the status of all applications, and the ignored drops that named none of them."""
    lines = [f"{one['application']}: {line}" for one in each for line in one["answer"]]
    return {
        "answer": [*lines, *_ignored(ignored, now)],
        "applications": each,
        "ignored": [one.model_dump(mode="json") for one in ignored],
    }


def _ignored(drops: Sequence[IgnoredDrop], now: datetime) -> list[str]:
    return [f"ignored {age(now - one.at)} ago: {one.reason}" for one in drops]


def _shares(serving: Sequence[Serving], now: datetime) -> list[str]:
    """Return each version's share, in columns."""
    titles = [titled(one.release, one.version) for one in serving]
    width = max(map(len, titles), default=0)
    return [
        f"{one.share:3} %  {title:{width}}{_age(one, now)}{_BUNDLE[one.bundle]}"
        for one, title in zip(serving, titles, strict=True)
    ]


def _age(one: Serving, now: datetime) -> str:
    return f", dropped {age(now - one.dropped)} ago" if one.dropped else ""


def progress(record: Record, alias: Alias, now: datetime) -> list[str]:
    """Return the progress of a release, in one or two lines."""
    if record.version is None or record.version != alias.canary:
        return [f"{record.release} is {_running(record, now)}"]
    verdict = [f"{record.release}: the last look said {record.verdict}"] if record.verdict else []
    return [f"{record.release} is {_stage(record, alias, now)}", *verdict]


def _running(record: Record, now: datetime) -> str:
    """Return the step that runs; between steps, the one that ended."""
    if record.step and record.step_at:
        return f"{record.step}, for {age(now - record.step_at)}"
    return f"{record.status}, {age(now - record.timeline[-1].at)} ago"


def _stage(record: Record, alias: Alias, now: datetime) -> str:
    """Return the stage at which a release is, and what it waits for."""
    if alias.weight not in record.stages:
        return f"at {alias.weight} %"
    number = record.stages.index(alias.weight)
    following = f"{record.stages[number + 1]} %" if number + 1 < len(record.stages) else "all traffic"
    at = f"at stage {number + 1} of {len(record.stages)}, {alias.weight} %"
    if alias.paused:
        return f'{at}, paused{_by_whom(record)}; "resume" goes on to {following}'
    return f"{at}; {_time_left(record, number, now)}, then {following}"


def _by_whom(record: Record) -> str:
    """Return when a release was paused, and the reason that was given."""
    pauses = [entry for entry in record.timeline if entry.what.startswith("by command: pause")]
    if not pauses:
        return ""
    reason = pauses[-1].what.partition("(")[2].removesuffix(")")
    return f" since {pauses[-1].at:%H:%M}" + (f" ({reason})" if reason else "") + said_by(pauses[-1].by)


def _time_left(record: Record, number: int, now: datetime) -> str:
    if record.staged_at is None or number >= len(record.bakes) or record.weight != record.stages[number]:
        return "it began just now"
    bake = record.bakes[number]
    left = bake - (now - record.staged_at)
    if left > timedelta():
        return f"{show(left)} of {show(bake)} left"
    return f"held {show(-left)} beyond its bake of {show(bake)}"
