"""The module that `bootstrap.handler` names in a python* runtime; the others are packaged beside it as `_dropshift`.

The runtime imports this module, then asks for `handler`; nothing happens before that. The runtime leaves frames of
files called bootstrap.py out of the stack traces that it reports: its own, and this one's.
"""

import importlib
import os
import sys


def __getattr__(name: str) -> object:
    if name != "handler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, asked_by_runtime = sys.modules[__name__], os.environ.get("_HANDLER") == f"{__name__}.{name}"
    before = sys.modules.keys() - {__name__}
    try:
        cold_start = importlib.import_module("_dropshift.startup.cold_start")
    except ImportError as error:
        if error.name in ("_dropshift", "_dropshift.startup"):  # not there, or with another version's magic number
            raise _of_another_runtime() from None
        raise
    start = cold_start.begin(before)
    try:
        function = start.find(start.handler)
    except BaseException as error:
        function = start.failed(error)
        if function is None:
            raise
    function = start.ready(function)
    if not asked_by_runtime:  # but by a layer in front of the application: it may ask again, and replace `handler`
        globals()[name] = function
        sys.modules.setdefault(__name__, module)
    return function


def _of_another_runtime() -> Exception:
    here = "python{}.{}".format(*sys.version_info)
    remedy = "the Runtime was changed without it; build and deploy the stack again (make deploy)"
    error: Exception = type("Dropshift.Package", (Exception,), {})(f"this package was not built for {here}: {remedy}")
    return error
