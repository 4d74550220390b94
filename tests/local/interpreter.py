"""A Python that looks like Lambda's: the bare interpreter, AWS's runtime client, and nothing of this project's.

A small virtual environment for each version stands for Lambda's /var/lang and /var/runtime: functions must bring every
dependency they import.
"""

import functools
from pathlib import Path

from tests import pythons
from tests.local.configuration import current

_BOOTSTRAP = '''\
"""Start the runtime client as Lambda's /var/runtime/bootstrap.py does: the package's directory comes first."""
import os
import sys

from awslambdaric.__main__ import main

sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
main([sys.argv[0], os.environ["_HANDLER"]])
'''


def command(runtime: str) -> tuple[str, ...]:
    """Return the command that starts a function of `runtime`; raises MissingPythonError."""
    python = pythons.runtime(runtime.removeprefix("python"))
    return (str(python), str(directory(runtime) / "bootstrap.py"))


@functools.cache
def directory(runtime: str) -> Path:
    """Return Lambda's /var/runtime for `runtime`, made on first use."""
    home = current().directory / runtime
    home.mkdir()
    (home / "bootstrap.py").write_text(_BOOTSTRAP)
    return home
