"""Pure: variables by which Lambda would start a file of the release before the release is loaded.

Lambda starts Node with NODE_OPTIONS, and every runtime through AWS_LAMBDA_EXEC_WRAPPER, before the bootstrap runs. A
file of the release does not exist yet, and the process ends before the bootstrap can report that.
"""

import re
from collections.abc import Iterator

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate

_TASK_ROOT = re.compile(r"/var/task(?![\w.~-])")
_PRELOADS = re.compile(r"""(?:--(?:import|require|(?:experimental-)?loader)|-r)(?:=|\s+)["']?([^\s"']+)""")
"""Options of Node that load a module first. Source: Node.js documentation, NODE_OPTIONS."""


def check(candidate: Candidate) -> None:
    """Refuse variables that would end the process before the bootstrap runs; the remedy is the way that works."""
    given = candidate.function.launch_variables
    wrapper = given.get("AWS_LAMBDA_EXEC_WRAPPER", "")
    if wrapper and (_TASK_ROOT.match(wrapper) or not wrapper.startswith("/")):
        _refuse(candidate, "AWS_LAMBDA_EXEC_WRAPPER", wrapper, "DROPSHIFT_EXEC_WRAPPER")
    for module in _preloaded(given.get("NODE_OPTIONS", "")) if candidate.machine.node else ():
        if _is_in_release(candidate, module):
            _refuse(candidate, "NODE_OPTIONS", module, "DROPSHIFT_NODE_OPTIONS")
            return


def _preloaded(options: str) -> Iterator[str]:
    yield from _PRELOADS.findall(options)
    if _TASK_ROOT.search(_PRELOADS.sub("", options)):
        yield options


def _is_in_release(candidate: Candidate, module: str) -> bool:
    """Distinguish a module of the release from one of a layer or of Node: a bare name is looked up in node_modules."""
    if module.startswith(("./", "../")) or _TASK_ROOT.search(module):
        return True
    scoped = 2 if module.startswith("@") else 1
    folder = "node_modules/" + "/".join(module.split("/")[:scoped]) + "/"
    return any(path.startswith(folder) for path in candidate.entries)


def _refuse(candidate: Candidate, variable: str, value: str, later: str) -> None:
    if candidate.machine.node:
        remedy = f"name the variable {later} in the stack: Node starts again with it once the release is loaded"
    else:
        remedy = "put the wrapper into a layer, or do its work at the top of the handler's module"
    found = f"{shown(value)}, of the release, which Lambda starts before the release is loaded"
    candidate.refuse(f"the function's {variable}", found, "files of a layer, below /opt", remedy)
