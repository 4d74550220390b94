"""Recorded requests of controller and rollout, checked by AWS's own models, its permissions and its limits."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from tests.reliances import limits, models, permissions

if TYPE_CHECKING:
    from tests.faults.account import Call

_ROLES = {"controller": "ControllerRole", "rollout": "RolloutRole"}
"""By the first word of the process that calls."""
_ENGINE = "engine"
"""Checkpoints are kept beside the calls, and are none of a client."""


def violations(calls: Iterable["Call"]) -> list[str]:
    """Name everything that AWS would refuse in the calls of the deployer, each once, or that its roles may not do."""
    made = [call for call in calls if _is_the_deployers(call)]
    found = (what for call in made for what in _of(call))
    return list(dict.fromkeys([*found, *_small_parts(made)]))


def _is_the_deployers(call: "Call") -> bool:
    """Leave out people, and calls that were killed before they were sent."""
    return call.actor.split()[0] in _ROLES and call.service != _ENGINE and bool(call.params)


def _of(call: "Call") -> Iterator[str]:
    yield from models.misfits(call.service, call.operation, call.params)
    yield from limits.beyond(call.service, call.operation, call.params)
    role = _ROLES[call.actor.split()[0]]
    for need in permissions.needs(call.service, call.operation, call.params):
        if what := permissions.problem(role, need):
            yield what


def _small_parts(calls: Iterable["Call"]) -> Iterator[str]:
    """Name uploads of which a part that is not the last is smaller than S3 takes."""
    parts = [(call.params["UploadId"], int(call.params["PartNumber"]), call) for call in calls if _is_a_part(call)]
    for upload, sent in groupby(sorted(parts, key=lambda part: part[:2]), key=lambda part: part[0]):
        *before, _last = sent
        for _, number, call in before:
            if len(call.params["Body"]) < limits.LEAST_PART:
                yield f"part {number} of {upload} has {len(call.params['Body'])} bytes, and is not the last"


def _is_a_part(call: "Call") -> bool:
    return (call.service, call.operation) == ("s3", "UploadPart")
