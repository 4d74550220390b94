"""The private names of awslambdaric that we use, each with a fallback if a new version renames it."""

import importlib
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


def fault(kind: str, message: str, trace: list[str] | None = None, prefix: str = "Dropshift.") -> Exception:
    """Return the exception that the runtime reports as exactly this type, message and trace.

    Our messages are plain ASCII: the runtime's client encodes an error of init as Latin-1, and fails on other text.
    """
    if prefix:
        message = message.encode("ascii", "backslashreplace").decode()
    home = sys.modules.get("awslambdaric.lambda_runtime_exception")
    if home is not None:
        error: Exception = home.FaultException(prefix + kind, message, trace or [])
    else:
        error = type(prefix + kind, (Exception,), {})()
    error.args = (message,)
    return error


def finder() -> Callable[[str], Any]:
    """Return the runtime's own way from a handler string to a function."""
    home = sys.modules.get("awslambdaric.bootstrap")
    return getattr(home, "_get_handler", None) or _find


def reported(error: BaseException) -> BaseException:
    """Return an exception that the runtime reports as it would report `error` when a handler's module raises it."""
    if hasattr(error, "exception_type"):
        return error  # the runtime's own already
    home = sys.modules.get("awslambdaric.bootstrap")
    if home is None or not hasattr(home, "build_fault_result"):
        return fault(type(error).__name__, str(error), prefix="")
    result = home.build_fault_result((type(error), error, error.__traceback__), None)
    return fault(result["errorType"], result["errorMessage"], result["stackTrace"], prefix="")


def warn_of_failed_init() -> None:
    """Log what the runtime logs before it reports that init failed."""
    home = sys.modules.get("awslambdaric.bootstrap")
    try:
        literals = importlib.import_module("awslambdaric.lambda_literals")
        home.logging.warning(literals.lambda_unhandled_exception_warning_message)  # type: ignore[union-attr]
    except (ImportError, AttributeError):
        return  # another version: it has no such words


def client_home() -> Any:  # noqa: ANN401 - the runtime's own module
    """Return the module in which the runtime looks for its client; without a client once invocations have begun."""
    home = sys.modules.get("awslambdaric.lambda_runtime_client")
    usable = hasattr(home, "runtime_client") and not in_invocation()
    return home if usable else SimpleNamespace(runtime_client=None)


def in_invocation() -> bool:
    """Return whether this runs within a call: a layer in front may ask for the application only then."""
    home = sys.modules.get("awslambdaric.bootstrap")
    handles = getattr(getattr(home, "handle_event_request", None), "__code__", None)
    frame = sys._getframe()  # noqa: SLF001 - the documented way to see who called
    while frame.f_back is not None and frame.f_code is not handles:
        frame = frame.f_back
    return frame.f_code is handles


def _find(handler: str) -> Any:  # noqa: ANN401 - an application's handler may be of any type
    module, _, name = handler.rpartition(".")
    return getattr(importlib.import_module(module.replace("/", ".")), name)
