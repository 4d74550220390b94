"""Compute which limit of AWS comes first, from counted calls.

`python -m tests.faults.limits` prints the table of docs/scale.md.
"""

import math

from deployer.controller import MOST_PRUNED, PRUNE_EVERY
from tests import template as sam
from tests.faults.calls import calls

RELEASES = 20
"""A day of each application, in `HOURS` hours, with the default strategy."""
HOURS = 8
YEARS = 10
VERSION = 0.417
"""MB of code storage: the package of the bootstrap, zipped."""
WORK = 60
"""Seconds for which a release keeps the rollout function busy."""
CONTROL_PLANE, GET_FUNCTION, DESCRIBE_ALARMS = 15, 100, 9
"""Calls per second."""
CODE_STORAGE, STACKS, RECORDS_A_PAGE = 300, 2_000, 1_000
"""GB; stacks of an account; records in an answer of S3."""
_DAY = 86_400
_PRUNING = RELEASES / _DAY
"""Calls per second for each application: a deletion for each release."""


def table() -> str:
    """Return the table in Markdown."""
    asked = calls("canary", 1)
    narrow, wide, alarms = (asked[name] for name in ("control plane (15/s)", "GetFunction (100/s)", "DescribeAlarms"))
    parameters = sam.source()["Parameters"]
    kept, rollouts = int(parameters["KeepReleases"]["Default"]), int(parameters["RolloutConcurrency"]["Default"])
    pruned = int(MOST_PRUNED * _DAY / PRUNE_EVERY.total_seconds() / RELEASES)
    worked = int(rollouts * HOURS * 3_600 / RELEASES / WORK)
    listings = math.ceil(RELEASES * 365 * YEARS / RECORDS_A_PAGE)
    return f"""\
| limit | use | first reached with | in ten years |
|---|---|---|---|
| CloudFormation, 500 resources a stack, {STACKS:,} stacks an account [1] \
| an application is a stack of {_resources()}; the deployer's does not grow \
| {STACKS - 1:,} applications; can be raised | the same |
| variables of a function (4 KB), EventBridge patterns (2,048 characters) \
| no list of applications in either | never | the same |
| Lambda's control plane, {CONTROL_PLANE} calls/s [2] | {narrow} a release, and a deletion \
| {_first(CONTROL_PLANE, narrow, _PRUNING)} applications in a Region; cannot be raised | the same |
| GetFunction, {GET_FUNCTION} calls/s [2] | {wide} a release | {_first(GET_FUNCTION, wide)} applications | the same |
| DescribeAlarms, {DESCRIBE_ALARMS} calls/s [3] | {alarms} a release \
| {_first(DESCRIBE_ALARMS, alarms)} applications; can be raised, and above it looks wait | the same |
| code storage, {CODE_STORAGE} GB [2] \
| {VERSION} MB a version; {kept} releases stay, and those since the schedule's last turn \
| {_most_stored(kept):,} applications; 1,000 take {_stored(1_000, kept):.0f} GB | the same |
| pruning, {MOST_PRUNED} versions every {PRUNE_EVERY.total_seconds() / 60:.0f} minutes \
| {RELEASES} a day of each application | {pruned:,} applications | the same |
| rollouts at the same time, {rollouts} (`RolloutConcurrency`) | {WORK} s of work a release \
| {worked:,} applications; others wait | the same |
| `history`, and `redeploy` by name | a listing of an application's records, {RECORDS_A_PAGE:,} a call \
| never; it takes one application's records | {listings} calls, unless `KeepRecordsDays` is set |"""


def _resources() -> int:
    return len(sam.application()["Resources"])


def _first(per_second: float, each: int, aside: float = 0.0) -> str:
    """Return how many applications a rate is enough for."""
    return f"{int(per_second / (RELEASES * each / HOURS / 3_600 + aside)):,}"


def _stored(applications: int, kept: int) -> float:
    """Return the GB of code of so many applications just before the schedule comes to the last one."""
    days = applications * PRUNE_EVERY.total_seconds() / _DAY
    return applications * (kept + RELEASES * days) * VERSION / 1_000


def _most_stored(kept: int) -> int:
    return next(number for number in range(1, 10**6) if _stored(number, kept) > CODE_STORAGE) - 1


if __name__ == "__main__":
    print(table())
