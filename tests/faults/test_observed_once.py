"""A rollout logs and counts each step once, although the engine replays it from the top at each wake-up."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest
from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core.recorder import AWSXRayRecorder

from deployer import telemetry
from deployer.model.status import Status
from tests.faults.engine import Execution
from tests.faults.flows import STAGES, live, prepared
from tests.faults.wiring import inhabited, parsed

ONCE = ("inspect", "make_bundle", "smoke_test", "promote", "finish")
"""A healthy release takes these steps a single time; others are repeated until they are done, or once a look."""


type Lines = list[dict[str, Any]]


@dataclass(frozen=True)
class Observed:
    """The observations of one rollout."""

    execution: Execution
    lines: Lines
    traced: Counter[str]

    @property
    def steps(self) -> Counter[str]:
        """Return how often the engine ran each step, from the results that it keeps."""
        return Counter(kept.name for kept in self.execution.kept if kept.until is None)

    @property
    def logged(self) -> Counter[str]:
        said = [str(line.get("message", "")) for line in self.lines]
        return Counter(text.removeprefix("release.") for text in said if text.startswith("release."))

    def measured(self, metric: str) -> Lines:
        return [line for line in self.lines if metric in line]


@contextmanager
def segment() -> Iterator[Any]:
    """X-Ray's own recorder, with a segment open as Lambda opens one; outside Lambda Powertools switches the SDK off."""
    recorder, switch = cast("Any", AWSXRayRecorder)(), cast("Any", global_sdk_config)  # the SDK has no types
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telemetry.tracer, "provider", recorder)
        switch.set_sdk_enabled(True)
        recorder.configure(sampling=False, streaming_threshold=1_000)
        try:
            yield recorder.begin_segment("rollout")
        finally:
            switch.set_sdk_enabled(False)


@pytest.fixture(scope="module")
def observed() -> Observed:
    """Return a staged release that goes live."""
    world = prepared(live)
    world.prints = io.StringIO()
    with inhabited(world), segment() as opened:
        drop = world.drop("1.1", STAGES)
        world.run()
    traced = Counter(one.name.removeprefix("## ") for one in opened.subsegments)
    return Observed(world.executions[drop.release_id], parsed(world.prints.getvalue()), traced)


def test_the_release_went_live_and_was_replayed_again_and_again(observed: Observed) -> None:
    assert observed.execution.result
    assert observed.execution.result["status"] == Status.LIVE
    assert len(observed.execution.kept) - observed.steps.total() > 5


@pytest.mark.parametrize("step", ONCE)
def test_a_step_that_is_taken_once_is_logged_traced_and_measured_once(observed: Observed, step: str) -> None:
    measured = [line["step"] for line in observed.measured("StepDuration")]
    assert (observed.logged[step], observed.traced[step], measured.count(step)) == (1, 1, 1)


def test_every_step_is_logged_traced_and_measured_as_often_as_it_ran(observed: Observed) -> None:
    assert observed.logged == observed.steps
    assert observed.traced - Counter(handler=1) == observed.steps  # the controller's handler took the drop in
    assert Counter(line["step"] for line in observed.measured("StepDuration")) == observed.steps


def test_the_end_is_counted_once(observed: Observed) -> None:
    (ended,) = observed.measured("ReleaseEnded")
    assert (ended["application"], ended["status"], ended["ReleaseEnded"]) == ("orders", "live", [1.0])
