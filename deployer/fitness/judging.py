"""Pure: all checks over one release, every problem at once."""

from deployer.archive import Contents
from deployer.fitness import native, node, program, python, room, wheels
from deployer.fitness.notes import Trial
from deployer.fitness.probe import Probe
from deployer.fitness.start import Start, settle
from deployer.function import FunctionFacts
from deployer.manifest import Manifest
from deployer.values import Problem, Value


class Fit(Value):
    """A release that will run, as far as can be told without running it."""

    start: Start
    storage: int
    """MB of ephemeral storage that the unpacked release takes."""
    warnings: tuple[str, ...] = ()


def judge(contents: Contents, probe: Probe, manifest: Manifest, function: FunctionFacts) -> Fit | tuple[Problem, ...]:
    """Return how the release will start, or everything that keeps it from running."""
    trial = Trial(contents.entries, probe, manifest, function)
    start = settle(trial)
    if start.kind == "python":
        python.check_handler(trial, start.handler or "")
    elif start.kind == "nodejs":
        node.check_handler(trial, start.handler or "")
    else:
        program.check(trial, start.command)
    _check_machine(trial, start)
    room.check(trial, contents, start)
    if trial.problems:
        return tuple(trial.problems)
    return Fit(start=start, storage=room.needed(contents, start), warnings=tuple(trial.warnings))


def machine_problems(contents: Contents, probe: Probe, function: FunctionFacts) -> tuple[Problem, ...]:
    """Return what can be told without a manifest: native code and wheels for another machine."""
    trial = Trial(contents.entries, probe, Manifest(), function)
    _check_machine(trial, settle(trial))
    return tuple(trial.problems)


def _check_machine(trial: Trial, start: Start) -> None:
    if start.kind == "python" and trial.machine.python:
        wheels.check(trial)
    native.check(trial, start.kind)
