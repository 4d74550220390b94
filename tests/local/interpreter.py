"""A Python that looks like Lambda's: the bare interpreter, AWS's runtime client, and nothing of this project's.

What lies in /var/lang and /var/runtime on Lambda lies here in a small virtual environment of its own, made once a
start: functions must bring every dependency they import.
"""

import functools
import venv
from importlib.metadata import Distribution, files
from pathlib import Path

from tests.local.configuration import current

_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
_BOOTSTRAP = '''\
"""Start the runtime client as Lambda's /var/runtime/bootstrap.py does: the package's directory comes first."""
import os
import sys

from awslambdaric.__main__ import main

sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
main([sys.argv[0], os.environ["_HANDLER"]])
'''


class UnsupportedRuntimeError(RuntimeError):
    """A function asks for a Python other than the one the local AWS runs on."""


def command(runtime: str) -> tuple[str, ...]:
    """The command that starts a function of `runtime`."""
    home = directory(runtime)
    return (str(home / "bin" / "python"), str(home / "bootstrap.py"))


@functools.cache
def directory(runtime: str) -> Path:
    """Lambda's /var/runtime for `runtime`, made on first use."""
    home = current().directory / runtime
    venv.EnvBuilder(symlinks=True).create(home)
    (packages,) = home.glob("lib/python*/site-packages")
    if f"python{packages.parent.name.removeprefix('python')}" != runtime:
        raise UnsupportedRuntimeError(f"the local AWS runs on {packages.parent.name} and cannot run {runtime}")
    for source in set().union(*map(_installed, _CLIENT)):
        (packages / source.name).symlink_to(source)
    (home / "bootstrap.py").write_text(_BOOTSTRAP)
    return home


def _installed(distribution: str) -> set[Path]:
    """The packages, modules and native libraries `distribution` put beside this project's own."""
    owned = {name.parts[0] for name in files(distribution) or () if not name.parts[0].endswith(".dist-info")}
    return {_site(distribution) / name for name in owned}


def _site(distribution: str) -> Path:
    return Path(str(Distribution.from_name(distribution).locate_file("")))
