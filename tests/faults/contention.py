"""Rollbacks by hand while rollouts want more calls of the control plane than there are.

`python -m tests.faults.contention`. In virtual time, with the deployer's own clients, each of which sleeps by itself:
as many rollouts as may work at once call without a pause, and share Lambda's calls of a second with the controller.
"""

import heapq
import itertools
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace

import botocore.endpoint
import pytest
from botocore.exceptions import ClientError

from deployer import aws
from deployer.aws.errors import is_throttled
from tests.deployment import AT_ONCE
from tests.faults.account import Account
from tests.faults.scale import Bucket
from tests.faults.wiring import connected, inhabited, settings
from tests.faults.world import World

ROLLOUTS = 50
"""As many as `RolloutConcurrency` lets work at once."""
ROLLBACKS = 100
BETWEEN = 7.0
"""Seconds from one rollback to the next."""
WARMING = 30.0
"""Seconds until the rollouts' waits are as long as they become."""
AFTER_A_FAILURE = 30.0
"""Seconds until the engine tries a step again, on an average."""


class Over(BaseException):
    """The time is over."""


@dataclass
class Turns:
    """Threads of which one runs at a time: one that sleeps lets the next to wake run."""

    account: Account
    over: bool = False
    asleep: list[tuple[datetime, int, threading.Event]] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def sleep(self, seconds: float) -> None:
        """Sleep in virtual time."""
        mine = threading.Event()
        wake = self.account.now + timedelta(seconds=max(0.0, seconds))
        heapq.heappush(self.asleep, (wake, next(self.numbers), mine))
        self._let_the_next_run()
        mine.wait()
        if self.over:
            raise Over

    def _let_the_next_run(self) -> None:
        wake, _, event = heapq.heappop(self.asleep)
        self.account.pass_time(wake)
        event.set()

    def begin(self, act: Callable[[], None]) -> threading.Thread:
        """Begin a thread that runs when its turn comes."""
        mine = threading.Event()

        def body() -> None:
            mine.wait()
            with suppress(Over):
                act()

        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        heapq.heappush(self.asleep, (self.account.now, next(self.numbers), mine))
        return thread

    def end(self, threads: list[threading.Thread]) -> None:
        """Wake everybody for the last time."""
        self.over = True
        for _, _, event in self.asleep:
            event.set()
        for thread in threads:
            thread.join(timeout=10)


@dataclass
class Outcome:
    """The durations of rollbacks, and the calls of the control plane meanwhile."""

    rollbacks: list[float]
    calls_per_second: float
    throttled_per_second: float


def rush(rollouts: int = ROLLOUTS, rollbacks: int = ROLLBACKS, seed: int = 1) -> Outcome:
    """Let rollouts saturate the control plane while a person rolls back, again and again."""
    random.seed(seed)
    world = World(settings())
    account = world.account
    with inhabited(world), pytest.MonkeyPatch.context() as patch:
        for release in ("1.0", "1.1"):
            world.released(release, AT_ONCE)
        turns, bucket = Turns(account), Bucket(account, account.now)
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=turns.sleep))
        account.chance = bucket
        working = [turns.begin(_rollout(world, turns)) for _ in range(rollouts)]
        turns.sleep(WARMING)
        began, before, refused = account.now, len(account.calls), bucket.refused
        took = [_rolled_back(world, turns, number) for number in range(rollbacks)]
        seconds = (account.now - began).total_seconds()
        turns.end(working)
    calls = len([call for call in account.calls[before:] if call.operation == "GetAlias" and call.outcome == "done"])
    return Outcome(took, calls / seconds, (bucket.refused - refused) / seconds)


def _rollout(world: World, turns: Turns) -> Callable[[], None]:
    """Return a rollout that has always something to ask, through a client of its own."""
    theirs = world.settings.model_copy(update={"rollout_function": ""})
    functions = aws.Aws.connect(theirs, connected(lambda: world.account)).functions
    function = world.settings.function(world.applications[0])

    def act() -> None:
        while True:
            try:
                functions.alias(function)
            except ClientError as error:
                if not is_throttled(error):
                    raise
                turns.sleep(random.uniform(0, 2 * AFTER_A_FAILURE))

    return act


def _rolled_back(world: World, turns: Turns, number: int) -> float:
    """Roll back by hand; return how long the answer took."""
    turns.sleep(BETWEEN)
    began = world.account.now
    answer = world.command("rollback", to=("2", "3")[number % 2], force=True)
    assert answer["answer"].startswith("rolled back"), answer
    return (world.account.now - began).total_seconds()


if __name__ == "__main__":
    outcome = rush()
    inside = sorted(outcome.rollbacks)
    print(f"{outcome.calls_per_second:.1f} calls and {outcome.throttled_per_second:.1f} throttled attempts a second")
    print(f"{sum(one > 5 for one in inside)} took longer than 5 s")
    print(f"{len(inside)} rollbacks: half within {inside[len(inside) // 2]:.1f} s, the slowest {inside[-1]:.1f} s")
