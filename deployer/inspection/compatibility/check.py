"""Pure: all checks over one release, every problem at once."""

from deployer.inspection.archive import Contents
from deployer.inspection.compatibility import (
    bytecode,
    deployed_function,
    distributions,
    executable,
    launch_variables,
    native_code,
    node_handler,
    python_handler,
    resources,
)
from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.entry_point import check_runtime, resolve
from deployer.inspection.compatibility.probe import Probe
from deployer.model.function import FunctionConfiguration
from deployer.model.inspection import Start
from deployer.model.manifest import Manifest
from deployer.model.problem import Problem
from deployer.model.value import Value


class Accepted(Value):
    """A release that will run, as far as its files show."""

    start: Start
    storage: int
    """MB of ephemeral storage that the unpacked release takes."""
    warnings: tuple[str, ...] = ()


def check_compatibility(
    contents: Contents, probe: Probe, manifest: Manifest, function: FunctionConfiguration
) -> Accepted | tuple[Problem, ...]:
    """Return how the release will start, or all problems because of which it cannot run."""
    candidate = Candidate(contents.entries, probe, manifest, function)
    if not check_runtime(candidate):
        return tuple(candidate.problems)
    start = resolve(candidate)
    if start.kind == "python":
        python_handler.check_handler(candidate, start.handler or "")
    elif start.kind == "nodejs":
        node_handler.check_handler(candidate, start.handler or "")
    else:
        executable.check(candidate, start.command)
    _check_machine(candidate, start)
    resources.check(candidate, contents, start)
    deployed_function.check(candidate)
    launch_variables.check(candidate)
    if candidate.problems:
        return tuple(candidate.problems)
    return Accepted(start=start, storage=resources.needed(contents, start), warnings=tuple(candidate.warnings))


def machine_problems(contents: Contents, probe: Probe, function: FunctionConfiguration) -> tuple[Problem, ...]:
    """Return the problems that need no manifest: native code and wheels for another machine."""
    candidate = Candidate(contents.entries, probe, Manifest(), function)
    if check_runtime(candidate):
        _check_machine(candidate, resolve(candidate))
    return tuple(candidate.problems)


def _check_machine(candidate: Candidate, start: Start) -> None:
    if start.kind == "python" and candidate.machine.python:
        distributions.check(candidate)
        bytecode.check(candidate)
    native_code.check(candidate, start.kind)
