"""Pure: all checks over one release, every problem at once."""

from deployer.inspection.archive import Contents
from deployer.inspection.compatibility import (
    executable,
    native_code,
    node_handler,
    python_handler,
    resources,
    wheel_tags,
)
from deployer.inspection.compatibility.candidate import Trial
from deployer.inspection.compatibility.entry_point import settle
from deployer.inspection.compatibility.probe import Probe
from deployer.model.function import FunctionConfiguration
from deployer.model.manifest import Manifest
from deployer.model.problem import Problem
from deployer.model.start import Start
from deployer.model.value import Value


class Fit(Value):
    """A release that will run, as far as can be told without running it."""

    start: Start
    storage: int
    """MB of ephemeral storage that the unpacked release takes."""
    warnings: tuple[str, ...] = ()


def judge(
    contents: Contents, probe: Probe, manifest: Manifest, function: FunctionConfiguration
) -> Fit | tuple[Problem, ...]:
    """Return how the release will start, or everything that keeps it from running."""
    trial = Trial(contents.entries, probe, manifest, function)
    start = settle(trial)
    if start.kind == "python":
        python_handler.check_handler(trial, start.handler or "")
    elif start.kind == "nodejs":
        node_handler.check_handler(trial, start.handler or "")
    else:
        executable.check(trial, start.command)
    _check_machine(trial, start)
    resources.check(trial, contents, start)
    if trial.problems:
        return tuple(trial.problems)
    return Fit(start=start, storage=resources.needed(contents, start), warnings=tuple(trial.warnings))


def machine_problems(contents: Contents, probe: Probe, function: FunctionConfiguration) -> tuple[Problem, ...]:
    """Return what can be told without a manifest: native code and wheels for another machine."""
    trial = Trial(contents.entries, probe, Manifest(), function)
    _check_machine(trial, settle(trial))
    return tuple(trial.problems)


def _check_machine(trial: Trial, start: Start) -> None:
    if start.kind == "python" and trial.machine.python:
        wheel_tags.check(trial)
    native_code.check(trial, start.kind)
