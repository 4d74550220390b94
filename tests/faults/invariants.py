"""The invariants, checked against the log of effects and the state, when nothing is under way: docs/reliability.md."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's own

from deployer.aws.errors import ContendedError, EventNotHandledError
from deployer.model.alias import AliasState, Move
from deployer.model.drop import Drop, VersionDescription
from deployer.model.record import Record
from deployer.model.status import Status
from tests.faults.account import BUNDLES
from tests.faults.functions import Function, Moved
from tests.faults.world import STRANGER, Escaped, World
from tests.reliances import requests

_MUTATING = frozenset(
    {
        "UpdateFunctionConfiguration",
        "PublishVersion",
        "UpdateAlias",
        "Invoke",
        "CreateMultipartUpload",
        "DeleteFunction",
        "PutProvisionedConcurrencyConfig",
    }
)
_STOPPED = frozenset({Status.ROLLED_BACK, Status.ABORTED, Status.FAILED, Status.SUPERSEDED, Status.REJECTED})
_EMPTY_VERSION = "1"
"""The version that the stack publishes before there is a release."""


def violations(world: World) -> list[str]:
    """Name everything that does not hold."""
    checks = (
        _points_at_releases,
        _moves,
        _warm,
        _at_rest,
        _ended_once,
        _honest,
        _newest_wins,
        _remembered,
        _rejected_untouched,
        _transient,
        _readable,
        _accepted_by_aws,
    )
    return [f"{check.__name__.strip('_')}: {broken}" for check in checks for broken in check(world)]


def _accepted_by_aws(world: World) -> list[str]:
    return requests.violations(world.account.calls)


# --- 1, 8: what the alias points at --------------------------------------------------------------------------------


def _points_at_releases(world: World) -> Iterator[str]:
    for name, function in world.account.lambda_.functions.items():
        alias = function.aliases[world.settings.alias]
        note = AliasState.parse(alias.description)
        previous = {note.previous} - {None} if note and _fits(note, alias.traffic) else set()
        for version in {*alias.traffic, *previous} - {_EMPTY_VERSION}:
            if reason := _no_release(world, function, str(version)):
                yield f"{name}: version {version} {reason}"


def _no_release(world: World, function: Function, version: str) -> str | None:
    found = function.versions.get(version)
    if found is None:
        return "does not exist"
    if VersionDescription.parse(found["Description"]) is None:
        return "was not published by the deployer"
    pointer = json.loads(found["Environment"]["Variables"]["DROPSHIFT_POINTER"])
    return None if world.account.lambda_.loadable(pointer) else "has no bundle that hashes to its pin"


def _fits(note: AliasState, traffic: dict[str, int]) -> bool:
    canary = {note.canary: note.weight} if note.canary else {}
    return {note.stable: 100 - note.weight, **canary} == traffic


# --- 2, 5, 6, 7: every move of the alias ---------------------------------------------------------------------------


def _moves(world: World) -> Iterator[str]:
    seen: dict[str, list[Moved]] = {}
    over = _first_stopped(world)
    for move in world.account.lambda_.moves:
        earlier = seen.setdefault(move.function, [])
        if move.actor != STRANGER:
            yield from (f"{move}: {why}" for why in _against(world, move, earlier, over))
        earlier.append(move)


def _against(world: World, move: Moved, earlier: list[Moved], over: Mapping[str, int]) -> Iterator[str]:
    if not move.checked:
        yield "no RevisionId"
    note = AliasState.parse(move.note_before)
    foreign = note is None or not _fits(note, move.before)
    if foreign and (len(move.before) > 1 or any(one.actor == move.actor for one in earlier)):
        yield "somebody else's move was overwritten"
    for version in move.after.keys() - {_EMPTY_VERSION}:
        before, after = move.before.get(version, 0), move.after[version]
        if after > before:
            yield from _growth(world, move, version, earlier, over)
        if len(move.before) > 1 and len(move.after) > 1 and after < before and move.before.get(version, 0) < 100:
            canary = AliasState.parse(move.note_after)
            if canary and canary.canary == version:
                yield f"the share of version {version} shrank from {before} % to {after} %"


def _growth(world: World, move: Moved, version: str, earlier: list[Moved], over: Mapping[str, int]) -> Iterator[str]:
    passed = [one for one in world.account.lambda_.invocations if one.version == version and not one.failed]
    if not any(one.at < move.at and one.function == move.function for one in passed):
        yield f"version {version} got traffic without a smoke test"
    if move.actor == "controller" or _is_stable_again(move, version):
        return
    if any(one.after.get(version, 0) < one.before.get(version, 0) for one in earlier if one.actor != STRANGER):
        yield f"version {version} was taken away and grew again"
    release = _release(world, move.function, version)
    if over.get(str(release), move.at) < move.at:
        yield f"version {version} grew after its release had ended"
    if red := _newly_red(world, move):
        yield f"version {version} grew while {', '.join(red)} was red"


def _is_stable_again(move: Moved, version: str) -> bool:
    """Return whether a version only gets back what a canary had."""
    return (
        move.before.get(version, 0) >= 1
        and max(move.before, key=lambda one: one == version) == version
        and ((note := AliasState.parse(move.note_before)) is not None and note.stable == version)
    )


def _warm(world: World) -> Iterator[str]:
    """No version with traffic loses its provisioned concurrency."""
    yield from (f"version {version} had traffic and lost what it had" for version in world.account.lambda_.chilled)


def _release(world: World, function: str, version: str) -> str | None:
    description = VersionDescription.parse(world.account.lambda_.descriptions[function, version])
    return description.release_id if description else None


def _first_stopped(world: World) -> dict[str, int]:
    """Return the time at which a record, or the alias's state, first had the end of a release."""
    notes = ((move.at, AliasState.parse(move.note_after)) for move in world.account.lambda_.moves)
    by_note = [(at, note.release) for at, note in notes if note and note.move in (Move.ABORT, Move.ROLL_BACK)]
    by_record = [(at, record.release_id) for at, record in _records(world) if record.status in _STOPPED]
    return {release: at for at, release in sorted(by_note + by_record, reverse=True)}


def _newly_red(world: World, move: Moved) -> frozenset[str]:
    mine = [seen for seen in world.account.cloudwatch.seen if seen.actor == move.actor and seen.at < move.at]
    return mine[-1].red - mine[0].red if mine else frozenset()


def _records(world: World) -> Iterator[tuple[int, Record]]:
    for written in world.account.s3.written:
        if written.key.startswith("records/") and written.key.endswith(".json"):
            yield written.at, _parsed(written.body)


@lru_cache(10_000)
def _parsed(body: bytes) -> Record:
    return Record.model_validate_json(body)


# --- 3, 4: what is left when nothing is under way ------------------------------------------------------------------


def _at_rest(world: World) -> Iterator[str]:
    for execution in world.executions.values():
        if execution.status == "RUNNING":
            yield f"execution {execution.name} never ended"
    for name, function in world.account.lambda_.functions.items():
        traffic = function.aliases[world.settings.alias].traffic
        moves = [move for move in world.account.lambda_.moves if move.function == name]
        if len(traffic) > 1 and moves[-1].actor != STRANGER:
            yield f"{name} is split: {traffic}"


def _ended_once(world: World) -> Iterator[str]:
    """One end each, that does not change; what somebody deleted is begun anew, and ends as it did."""
    ends: dict[str, Record] = {}
    for record, before in _each_with_the_one_before(world):
        if before and before.status.final and (before.status, before.reason) != (record.status, record.reason):
            yield f"{record.release}: {before.status} became {record.status}: {record.reason}"
        if record.status.final:
            first = ends.setdefault(record.release_id, record)
            if first.status != record.status:
                yield f"{record.release}: {first.status} before its record was deleted, {record.status} after it"
    for drop in _drops(world):
        if not (drop.release_id in ends and ends[drop.release_id].reason) and not _ended_without_record(world, drop):
            yield f"{drop.name} has no end with a reason"


def _each_with_the_one_before(world: World) -> Iterator[tuple[Record, Record | None]]:
    """Yield every record that was written, and the one that it replaced; None when there was none, or none any more."""
    last: dict[str, Record] = {}
    hidden = sorted(world.account.s3.hidden)
    for at, record in _records(world):
        while hidden and hidden[0][0] < at:
            last.pop(hidden.pop(0)[1].rpartition("/")[2].removesuffix(".json"), None)
        yield record, last.get(record.release_id)
        last[record.release_id] = record


def _ended_without_record(world: World, drop: Drop) -> bool:
    """Return whether a record was deleted before the rollout read it; the execution then ends as one nobody ordered."""
    execution = world.executions.get(drop.release_id)
    deleted = any(drop.release_id in key for _, key in world.account.s3.hidden)
    return deleted and world.record(drop) is None and bool(execution and execution.result)


def _drops(world: World) -> list[Drop]:
    """Return the drops, and the rollouts without a drop."""
    ordered = [Drop.model_validate_json(execution.payload) for execution in world.executions.values()]
    return [*world.drops, *(drop for drop in ordered if drop.attempt)]


def _honest(world: World) -> Iterator[str]:
    """A status must be true: live had all traffic, the others have none; execution and record have the same one."""
    for drop in _drops(world):
        record = world.record(drop)
        if record is None:
            continue
        execution = world.executions.get(drop.release_id)
        if execution and execution.status == "SUCCEEDED" and (execution.result or {})["status"] != record.status:
            yield f"{drop.name}: the execution says {execution.result}, the record {record.status}"
        yield from _true(world, drop.application, record)


def _newest_wins(world: World) -> Iterator[str]:
    """Nothing is superseded but by what was dropped later."""
    for application in world.applications:
        drops = [drop for drop in world.drops if drop.application == application]
        last = world.record(drops[-1]) if drops else None
        if last and last.status is Status.SUPERSEDED and not any(drop.attempt for drop in _drops(world)):
            yield f"{last.release} was dropped last and is said to be superseded: {last.reason}"


def _true(world: World, application: str, record: Record) -> Iterator[str]:
    function = world.settings.function(application)
    moves = [move for move in world.account.lambda_.moves if move.function == function]
    version = _version(world, function, record.release_id)
    if record.status is Status.LIVE and not any(move.after.get(str(version)) == 100 for move in moves):
        yield f"{record.release} is said to be live and never had all traffic"
    served = bool(moves) and version in moves[-1].after
    if served and record.status in _STOPPED and moves[-1].actor.startswith("rollout"):
        yield f"{record.release} has traffic and is said to have {record.status}: {record.reason}"
    if served and record.status is not Status.LIVE and len(moves[-1].after) == 1 and moves[-1].actor == "controller":
        note = AliasState.parse(moves[-1].note_after)
        if note and note.move is not Move.ROLL_BACK:
            yield f"{record.release} was promoted and is said to have {record.status}: {record.reason}"


def _version(world: World, function: str, release_id: str) -> str | None:
    versions = [version for name, version in world.account.lambda_.descriptions if name == function]
    return next((version for version in versions if _release(world, function, version) == release_id), None)


def _remembered(world: World) -> Iterator[str]:
    """The bytes of a release that was rolled back are marked, whichever process died: they need force from now on."""
    marked = world.account.s3.buckets[BUNDLES].objects
    for record in _rolled_back(world):
        if f"records/{record.application}/rolled-back/{record.archive_sha256}" not in marked:
            yield f"{record.release} was rolled back, and its bytes are not marked"


def _rolled_back(world: World) -> Iterator[Record]:
    """Releases that ended rolled back, and those that a command took back after they were live."""
    last = {record.release_id: record for _, record in _records(world)}
    yield from (record for record in last.values() if record.status is Status.ROLLED_BACK)
    for move in world.account.lambda_.moves:
        before, after = AliasState.parse(move.note_before), AliasState.parse(move.note_after)
        gone_back = before and after and after.move is Move.ROLL_BACK and before.stable != after.stable
        if gone_back and move.actor == "controller" and after and after.release in last:
            yield last[after.release]


# --- 9, 10: refusals, exceptions, logs -----------------------------------------------------------------------------


def _rejected_untouched(world: World) -> Iterator[str]:
    rejected = {record.release_id for _, record in _records(world) if record.status is Status.REJECTED}
    for call in world.account.calls:
        if call.operation in _MUTATING and call.actor.removeprefix("rollout ") in rejected:
            yield f"{call.operation} for a refused archive"


_PASSING = frozenset(
    {
        *("TooManyRequestsException", "ServiceException", "SlowDown", "InternalError", "ThrottlingException"),
        *("InternalServiceFault", "InternalException", "ExpiredToken", "ExpiredTokenException"),
        *("ResourceConflictException", "ConditionalRequestConflict", "PreconditionFailed"),
    }
)
"""Errors that end by themselves, by the code that AWS gives them; spelt out here as the services' references do."""
_NETWORK = (ConnectionError, HTTPClientError)


def _transient(world: World) -> Iterator[str]:
    """Check that every exception of the controller is worth a retry, or keeps an event that an answer would lose."""
    for escaped in world.escaped:
        if not _passes(escaped.error) and not (isinstance(escaped.error, EventNotHandledError) and _is_event(escaped)):
            yield f"{escaped.error!r} left the controller for {escaped.event}"


def _passes(error: Exception) -> bool:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in _PASSING or error.response["ResponseMetadata"]["HTTPStatusCode"] > 499
    return isinstance(error, (*_NETWORK, ContendedError))


def _is_event(escaped: Escaped) -> bool:
    return "action" not in escaped.event


def _readable(world: World) -> Iterator[str]:
    for line in world.prints.getvalue().splitlines():
        try:
            found: Any = json.loads(line)
        except ValueError:
            yield f"a log line that is no JSON: {line!r}"
        else:
            if not isinstance(found, dict):
                yield f"a log line that is no object: {line!r}"
