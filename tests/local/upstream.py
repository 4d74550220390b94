"""Guarded patching of software that is not ours.

A patch names every symbol it replaces or leans on. If one of them has moved, or takes other parameters than it
did, the local AWS refuses to start and says which patch wants looking at, rather than running subtly wrong.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any


class UpstreamMovedError(RuntimeError):
    """The emulator changed where a patch touches it: look at the patch, then at its contract test."""


def needs(owner: object, *names: str) -> None:
    """Refuse to go on unless `owner` has every one of `names`."""
    missing = [name for name in names if not hasattr(owner, name)]
    if missing:
        raise UpstreamMovedError(f"{_name(owner)} no longer has {', '.join(missing)}")


def around(owner: object, name: str, replacement: Callable[..., Any]) -> None:
    """Replace `owner.name` by `replacement(original, …)`, which takes the original's own parameters after it."""
    needs(owner, name)
    original = getattr(owner, name)
    _same_shape(original, replacement, f"{_name(owner)}.{name}")

    @functools.wraps(original)
    def patched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - carries whatever upstream passes
        return replacement(original, *args, **kwargs)

    setattr(owner, name, patched)


def _same_shape(original: Callable[..., Any], replacement: Callable[..., Any], where: str) -> None:
    have, want = _parameters(original), _parameters(replacement)[1:]
    if have != want or _asynchronous(original) != _asynchronous(replacement):
        raise UpstreamMovedError(f"{where} now takes ({', '.join(have)}), not ({', '.join(want)})")


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _asynchronous(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(inspect.unwrap(function))


def _name(owner: object) -> str:
    return getattr(owner, "__name__", type(owner).__name__)
