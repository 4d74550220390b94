"""Many applications at once, and a control plane throttled as Lambda throttles it: `python -m tests.faults.scale`.

One working day in virtual time: each application drops release after release, people roll some back, alarms go red. All
calls of Lambda's control plane but GetFunction and invocations share one token bucket.
"""

import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace

import botocore.endpoint
import pytest

from tests.faults.account import Account, Call
from tests.faults.calls import GROUPS, group
from tests.faults.faults import Kind
from tests.faults.invariants import violations
from tests.faults.wiring import inhabited, settings
from tests.faults.world import World

RATE = 15.0
"""Calls per second. Source: AWS Lambda developer guide, quotas."""
BETWEEN = timedelta(minutes=24)
"""Releases of an application come so often: twenty in eight working hours."""
PLAN = '[rollout]\nstages = [{ weight = 10, bake = "5m" }]\n'
CONTROL_PLANE = next(iter(GROUPS))


@dataclass
class Outcome:
    """The outcome of a day."""

    releases: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    rollbacks: list[float] = field(default_factory=list)
    """Seconds of virtual time that each rollback by hand took to be answered."""
    broken: list[str] = field(default_factory=list)


@dataclass
class Bucket:
    """The account's tokens for the control plane."""

    account: Account
    at: datetime
    rate: float = RATE
    tokens: float = RATE
    refused: int = 0

    def __call__(self, call: Call) -> Kind | None:
        """Take a token for an attempt, or throttle it."""
        if group(call) != CONTROL_PLANE:
            return None
        now = self.account.now
        self.tokens = min(max(1.0, self.rate), self.tokens + (now - self.at).total_seconds() * self.rate)
        self.at = now
        if self.tokens < 1:
            self.refused += 1
            return Kind.THROTTLED
        self.tokens -= 1
        return None


def day(applications: int, releases: int, rate: float = RATE, seed: int = 1) -> Outcome:
    """Let so many applications have so many releases each; return what was seen."""
    outcome, chance = Outcome(), random.Random(seed)
    world = World(settings(), tuple(f"app-{number}" for number in range(applications)))
    account = world.account
    bucket = Bucket(account, account.now, rate)
    with inhabited(world), pytest.MonkeyPatch.context() as patch:
        slept = SimpleNamespace(sleep=lambda seconds: account.pass_time(account.now + timedelta(seconds=seconds)))
        patch.setattr(botocore.endpoint, "time", slept)
        account.chance = bucket
        began = account.now
        plan = [
            (chance.random() * BETWEEN * releases, name, number)
            for name in world.applications
            for number in range(releases)
        ]
        for at, name, number in sorted(plan):
            _until(world, began + at)
            world.drop(f"1.{number}", PLAN, name)
            outcome.releases += 1
            if chance.random() < 0.05:
                outcome.rollbacks.append(_rolled_back(world, name))
            if chance.random() < 0.02:
                world.alarm(f"{world.settings.function(name)}-errors", "ALARM")
                world.alarm(f"{world.settings.function(name)}-errors", "OK")
        world.run(turns=10**9)
        account.chance = lambda _call: None
        outcome.broken = violations(world)
    outcome.throttled = bucket.refused
    outcome.calls = Counter(found for call in account.calls if (found := group(call)))
    records = (world.record(drop) for drop in world.drops)
    outcome.ends = Counter(record.status.value if record else "no record" for record in records)
    return outcome


def _until(world: World, at: datetime) -> None:
    """Let everything happen that is due before a time."""
    while True:
        due = [one.at for one in world.inbox]
        due += [one.wake for one in world.executions.values() if one.status == "RUNNING"]
        if not due or min(due) > at:
            break
        world.happen()
    world.account.pass_time(at)


def _rolled_back(world: World, name: str) -> float:
    """Roll an application back by hand; return how long the answer took."""
    began = world.account.now
    assert world.command("rollback", application=name) is not None
    return (world.account.now - began).total_seconds()


def main() -> int:
    """Run a day and print it: `python -m tests.faults.scale [applications releases rate]`."""
    defaults: tuple[float, ...] = (300, 20, RATE)
    applications, releases, rate = (*map(float, sys.argv[1:]), *defaults[len(sys.argv) - 1 :])
    outcome = day(int(applications), int(releases), rate)
    slowest = max(outcome.rollbacks, default=0)
    print(f"{outcome.releases} releases, {dict(outcome.ends)}, {outcome.throttled} calls throttled")
    print(f"{dict(outcome.calls)}")
    print(f"{len(outcome.rollbacks)} rollbacks by hand, the slowest answered in {slowest:.1f} s")
    print(f"{len(outcome.broken)} violations", *outcome.broken[:10], sep="\n")
    return 1 if outcome.broken or slowest > 5 else 0


if __name__ == "__main__":
    sys.exit(main())
